-- A log group is a document (service 'logs', type 'group'); its streams and their events are rows.

create table log_stream (
  id integer primary key autoincrement,    -- never used twice: tokens carry it
  account text not null, region text not null, grp text not null, name text not null,
  created integer not null,                -- all times are milliseconds since 1970
  first integer, last integer,             -- timestamps of the oldest and the newest event
  ingested integer,                        -- when the last event came in
  sequence integer not null default 0,     -- how many events ever came in: the number of the last one
  bytes integer not null default 0,        -- what the events count for: UTF-8 length and 26 each
  unique (account, region, grp, name)
);

create table log_event (
  stream integer not null, ms integer not null, sequence integer not null,
  ingested integer not null,
  message text not null,
  primary key (stream, ms, sequence)
) without rowid;
