"""The tables that are written to, the same in every system, and how pgwitness is told of them.

A contact has 13 columns and some 430 bytes as JSON. Nothing here knows what is measured.
"""

TABLE, IGNORED = "contact", "updated_at"
GAP = 10_000_000
"""Ids from here on are of rows that a workload adds."""

SCHEMA = """
CREATE TABLE company (
    id   bigint PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE person (
    id        bigint PRIMARY KEY,
    full_name text NOT NULL
);
CREATE TABLE contact (
    id         bigint PRIMARY KEY,
    name       text NOT NULL,
    email      text NOT NULL,
    phone      text,
    company_id bigint,
    owner_id   bigint,
    stage      text NOT NULL,
    city       text NOT NULL,
    score      numeric(12, 2) NOT NULL,
    is_active  boolean NOT NULL,
    notes      text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX contact_by_company ON contact (company_id);
CREATE TABLE new_contact (LIKE contact, PRIMARY KEY (id));
CREATE TABLE deal (
    id         bigint PRIMARY KEY,
    company_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    owner_id   bigint NOT NULL,
    title      text NOT NULL,
    stage      text NOT NULL,
    amount     numeric(12, 2) NOT NULL,
    notes      text NOT NULL
);
"""

FILL = """
INSERT INTO company SELECT n, 'Company ' || n FROM generate_series(0, 999) AS n;
INSERT INTO person SELECT n, 'Person ' || n FROM generate_series(0, 99) AS n;
INSERT INTO contact
SELECT n, 'Contact number ' || n, 'contact.' || n || '@customer.example', '+41 31 555 ' || n,
       n % 1000, n % 100, 'qualified', 'Bern', n % 1000 / 4.0, n % 7 <> 0,
       'Met at the fair in ' || n % 30 || ', ' || md5(n::text) || ' ' || md5((-n)::text)
       || ' call again next week',
       '2026-03-01 08:00+00'::timestamptz + n * interval '1 minute', '2026-06-01 09:30:00.5+00'
FROM generate_series(1, {rows}) AS n;
INSERT INTO new_contact
SELECT id + {gap}, name, email, phone, company_id, owner_id, stage, city, score, is_active, notes,
       created_at, updated_at
FROM contact WHERE id <= {bulk};
INSERT INTO deal
SELECT n, n % 1000, n, n % 100, 'Deal number ' || n, 'open', n * 3.5, repeat('Wants more. ', 10)
FROM generate_series(1, {deals}) AS n;
"""

TRACKED = """
source = "bench"

[table."public.contact"]
module = "Contacts"
entity = "Contact"
label = "name"
ignore = ["updated_at"]
{capture}
[table."public.company"]
module = "Companies"
entity = "Company"
label = "name"

[table."public.deal"]
parent = {{ table = "public.company", key = "company_id" }}
part = "Deal"
columns.contact_id.references = {{ table = "public.contact", label = "name" }}
columns.owner_id.references = {{ table = "public.person", label = "full_name" }}
"""
