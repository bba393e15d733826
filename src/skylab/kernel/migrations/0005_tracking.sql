-- Experiments, components, artifacts … are documents; what connects and measures them are rows.

create table metric (
  id integer primary key,
  account text not null, region text not null,
  component text not null, name text not null,   -- the trial component that it is of
  count integer not null,                        -- what its points come to, kept with every one of them
  least real not null, most real not null, mean real not null,
  squares real not null,                         -- sum of the squared distances from the mean
  last real not null, last_ms integer not null,  -- the value of the latest point, and its time
  unique (account, region, component, name)
);

create table metric_point (
  metric integer not null, ms integer not null,
  step integer not null,                         -- -1: it came without one
  value real not null,
  primary key (metric, ms, step)
) without rowid;

create table trial_member (
  account text not null, region text not null, trial text not null, component text not null,
  primary key (account, region, trial, component)
) without rowid;

create index trial_member_component on trial_member (account, region, component);

create table component_source (                  -- what a component is about: the ARN of a job
  account text not null, region text not null, source text not null, component text not null,
  primary key (account, region, source, component)
) without rowid;

create table association (                       -- of lineage: both ends are ARNs
  account text not null, region text not null,
  source text not null, destination text not null,
  type text, created real not null,
  made_by text not null,                         -- CreatedBy, as JSON
  primary key (account, region, source, destination)
) without rowid;

create index association_destination on association (account, region, destination);
