create table event (
  id integer primary key autoincrement,    -- the order of commits: what a trail delivered up to is such a number
  account text not null, region text not null,
  ms integer not null,                     -- when, in milliseconds since 1970
  data integer not null,                   -- 1: a data event, kept until it is delivered; 0: a management event, for 90 days
  trails text not null,                    -- ids of the trails that select it, each between spaces
  record blob not null                     -- the record as CloudTrail shows it, JSON
);
create index event_data on event (id) where data = 1;

create table entry (                       -- what LookupEvents searches: management events, narrow and in its order
  account text not null, region text not null, ms integer not null, id integer not null,
  event_id text not null, name text not null, source text not null, read_only text not null,
  username text, access_key text,
  resources text not null,                 -- JSON: [[type, name], …]
  primary key (account, region, ms, id)
) without rowid;
