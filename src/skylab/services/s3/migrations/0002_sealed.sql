create table secret (                      -- keys of S3's own, sealed by the vault
  name text primary key,
  sealed blob not null
);

create table plain (                       -- bodies written before bodies were sealed: the next opening seals them
  body integer primary key
);
insert into plain select body from version where body is not null union select body from part;
