-- How often the documents of a service were changed: who keeps something made of them sees here whether it still holds.
-- Triggers, so that no writer can forget it and every process sees it with the change itself.

create table generation (name text primary key, number integer not null) without rowid;

insert into generation values ('iam', 0);

create trigger iam_created after insert on resource when new.service = 'iam'
begin update generation set number = number + 1 where name = 'iam'; end;

create trigger iam_changed after update on resource when new.service = 'iam'
begin update generation set number = number + 1 where name = 'iam'; end;

create trigger iam_deleted after delete on resource when old.service = 'iam'
begin update generation set number = number + 1 where name = 'iam'; end;
