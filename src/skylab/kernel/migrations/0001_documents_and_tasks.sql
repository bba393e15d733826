create table resource (
  account text not null, region text not null, service text not null,
  type text not null, name text not null,
  created real not null, modified real not null,
  doc text not null,                       -- what Describe shows, in AWS's own member names; ours under "_"
  primary key (account, region, service, type, name)
) without rowid;

create table task (
  id text primary key,
  kind text not null,                      -- which Work advances it
  target text not null,                    -- the key of the resource it is for
  state text not null,                     -- 'waiting' at first, 'ended' at last; what lies between is the Work's
  due real not null,                       -- when the supervisor looks at it next
  stop real,                               -- when a stop was asked for
  data text not null default '{}'          -- what the Work needs to remember between two steps
) without rowid;

create index task_due on task (due) where state <> 'ended';
create index task_target on task (target);
