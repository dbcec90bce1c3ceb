-- What a restored database holds, named as pg_dump's tables of contents name it:
-- (kind, schema, name), where a table's part is `table part`.
select case c.relkind when 'r' then 'TABLE' when 'p' then 'TABLE' when 'v' then 'VIEW'
         when 'm' then 'MATERIALIZED VIEW' when 'S' then 'SEQUENCE' when 'f' then 'FOREIGN TABLE'
         else 'INDEX' end, n.nspname, c.relname::text  -- else all are of type name, cut at 63 bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I')
union all
select case k.contype when 'f' then 'FK CONSTRAINT' when 'c' then 'CHECK CONSTRAINT'
         else 'CONSTRAINT' end, n.nspname, coalesce(c.relname, t.typname) || ' ' || k.conname
  from pg_constraint k join pg_namespace n on n.oid = k.connamespace
  left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
union all
select 'TRIGGER', n.nspname, c.relname || ' ' || t.tgname
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
 where not t.tgisinternal
union all
select 'POLICY', n.nspname, c.relname || ' ' || p.polname
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
union all
select 'ROW SECURITY', n.nspname, c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity
union all
select 'RULE', n.nspname, c.relname || ' ' || r.rulename
  from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
union all
select 'DEFAULT', n.nspname, c.relname || ' ' || a.attname
  from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
union all
select case when i.inhparent is null then '' when c.relkind in ('i', 'I') then 'INDEX ATTACH'
         else 'TABLE ATTACH' end, n.nspname, c.relname
  from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
union all
select case p.prokind when 'a' then 'AGGREGATE' when 'p' then 'PROCEDURE' else 'FUNCTION' end,
       n.nspname, p.proname || '(' || case when p.prokind = 'a' and p.pronargs = 0 then '*'
         else coalesce((select string_agg(format_type(u.t, null), ', ' order by u.o)
                          from unnest(p.proargtypes) with ordinality u(t, o)), '') end || ')'
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where p.oid >= 16384
union all
select case t.typtype when 'd' then 'DOMAIN' else 'TYPE' end, n.nspname, t.typname
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
 where t.oid >= 16384
union all
select 'STATISTICS', n.nspname, s.stxname
  from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
union all
select 'SCHEMA', '', nspname from pg_namespace
union all
select 'EXTENSION', '', extname from pg_extension
union all
select 'EVENT TRIGGER', '', evtname from pg_event_trigger
