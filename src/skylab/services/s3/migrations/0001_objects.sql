create table opening (                     -- each time a cloud opened this folder; numbers of bodies carry it
  number integer primary key,
  swept integer not null default 0         -- its drafts and orphans are gone, and it makes no new ones
);

create table version (                     -- one version of one object, or a delete marker
  bucket text not null,
  key text not null,                       -- compared as UTF-8 bytes, which is S3's order
  seq integer not null,                    -- the larger the later, within a key
  name text not null,                      -- VersionId; 'null' where it was written without versioning
  latest integer not null,                 -- 1 for the largest seq of the key
  body integer,                            -- number of the file; null for a delete marker
  size integer not null,
  etag text not null,                      -- with its quotes
  modified integer not null,               -- seconds: S3 keeps no finer
  tags text,                               -- JSON list of Key and Value, null for none
  meta text not null,                      -- JSON: what GetObject shows, in AWS's member names
  parts text                               -- JSON list of [number, size, checksum] of a multipart object
);
create unique index version_seq on version (bucket, key, seq desc);
create unique index version_name on version (bucket, key, name);
create index version_shown on version (bucket, key) where latest and body is not null;
create index version_body on version (body) where body is not null;

create table upload (
  bucket text not null, key text not null, id text not null,
  initiated integer not null,
  initiator text not null,                 -- ARN
  tags text,
  meta text not null,
  done integer,                            -- when it was completed; its answer is kept for a client that asks again
  answer text,
  primary key (bucket, key, id)
) without rowid;

create table part (
  upload text not null, number integer not null,
  body integer not null,
  size integer not null, etag text not null, modified integer not null,
  checksum text,                           -- base64, of the upload's algorithm
  primary key (upload, number)
) without rowid;
create index part_body on part (body);

create table doomed (                      -- bodies that nothing names any more, kept for readers until due
  body integer primary key,
  due real not null
);
create index doomed_due on doomed (due);
