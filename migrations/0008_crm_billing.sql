-- What the account pays for. Amounts are in the currency beside them, in units, not in cents.
-- The plans are known by their code; what they cost is on the vendor's price list, not in here.

CREATE TABLE IF NOT EXISTS crm.subscription (
    id               smallint    NOT NULL DEFAULT 1,
    number           text        NOT NULL,
    trial_plan       text        NOT NULL,
    trial_ends_on    date        NOT NULL,
    plan             text,
    licence_count    integer,
    billing_cycle    text,
    billing_currency text        NOT NULL DEFAULT 'USD',
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscription_pkey
        PRIMARY KEY (id),
    CONSTRAINT subscription_is_one
        CHECK (id = 1),
    CONSTRAINT subscription_has_a_number
        CHECK (number <> ''),
    CONSTRAINT subscription_trial_plan_is_known
        CHECK (trial_plan IN ('starter', 'growth', 'pro', 'enterprise')),
    CONSTRAINT subscription_plan_is_known
        CHECK (plan IN ('starter', 'growth', 'pro', 'enterprise')),
    CONSTRAINT subscription_licences_are_for_somebody
        CHECK (licence_count >= 1),
    CONSTRAINT subscription_billing_cycle_is_known
        CHECK (billing_cycle IN ('monthly', 'yearly')),
    CONSTRAINT subscription_plan_licences_and_cycle_come_together
        CHECK (num_nulls(plan, licence_count, billing_cycle) IN (0, 3)),
    CONSTRAINT subscription_billing_currency_is_an_iso_code
        CHECK (billing_currency ~ '^[A-Z]{3}$')
);

COMMENT ON TABLE crm.subscription IS
    'What the account has subscribed to. One row: each account has a database of its own.';
COMMENT ON COLUMN crm.subscription.id IS
    'Always 1.';
COMMENT ON COLUMN crm.subscription.number IS
    'Number by which the vendor''s billing knows it, such as S-1042.';
COMMENT ON COLUMN crm.subscription.trial_plan IS
    'The plan that is tried out, and can be changed meanwhile. Kept when the trial is over.';
COMMENT ON COLUMN crm.subscription.trial_ends_on IS
    'Last day of the trial, in the account''s time zone.';
COMMENT ON COLUMN crm.subscription.plan IS
    'The plan that is paid for: starter, growth, pro or enterprise. Null: none yet, it is a trial.';
COMMENT ON COLUMN crm.subscription.licence_count IS
    'How many people may sign in. Null: no plan yet; a trial has no limit.';
COMMENT ON COLUMN crm.subscription.billing_cycle IS
    'How often an invoice is written: monthly or yearly. Null: no plan yet.';
COMMENT ON COLUMN crm.subscription.billing_currency IS
    'ISO 4217 code of the invoices. The account adds up its deals in account_setting.currency.';
COMMENT ON COLUMN crm.subscription.updated_at IS
    'When the row was last saved.';

CREATE TABLE IF NOT EXISTS crm.phone_credit_purchase (
    id             bigint        GENERATED ALWAYS AS IDENTITY,
    invoice_number text          NOT NULL,
    credits        integer       NOT NULL,
    amount         numeric(12,2) NOT NULL,
    currency       text          NOT NULL,
    created_at     timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT phone_credit_purchase_pkey
        PRIMARY KEY (id),
    CONSTRAINT phone_credit_purchase_has_its_own_invoice
        UNIQUE (invoice_number),
    CONSTRAINT phone_credit_purchase_adds_credits
        CHECK (credits > 0),
    CONSTRAINT phone_credit_purchase_costs_nothing_or_more
        CHECK (amount >= 0),
    CONSTRAINT phone_credit_purchase_currency_is_an_iso_code
        CHECK (currency ~ '^[A-Z]{3}$')
);

COMMENT ON TABLE crm.phone_credit_purchase IS
    'Credits for calls that were bought. What is bought is bought: rows are only added.';
COMMENT ON COLUMN crm.phone_credit_purchase.id IS
    'Key.';
COMMENT ON COLUMN crm.phone_credit_purchase.invoice_number IS
    'The invoice, such as INV-20311.';
COMMENT ON COLUMN crm.phone_credit_purchase.credits IS
    'How many. What is left of them, the telephone system knows.';
COMMENT ON COLUMN crm.phone_credit_purchase.amount IS
    'What they cost, without tax. 0: a gift.';
COMMENT ON COLUMN crm.phone_credit_purchase.currency IS
    'ISO 4217 code of the amount: the billing currency of that day.';
COMMENT ON COLUMN crm.phone_credit_purchase.created_at IS
    'When they were bought.';

GRANT SELECT, INSERT, UPDATE ON crm.subscription TO crm_app;
GRANT SELECT, INSERT ON crm.phone_credit_purchase TO crm_app;
