create table credential (
  access_key text primary key,
  secret text not null,                    -- in clear: a signature is checked by making it again; the file is 0600
  token text,                              -- the session token; null for a long-term key
  account text not null,
  owner text not null,                     -- unique id of the user or role (AIDA…, AROA…), or the account for root
  principal text not null,                 -- who signs with it, as JSON: what services/call.py's Principal is made of
  active integer not null default 1,
  created real not null,
  expires real                             -- null: never
) without rowid;

create index credential_owner on credential (owner);
create index credential_expires on credential (expires) where expires is not null;
