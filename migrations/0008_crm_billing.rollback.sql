-- Takes the tables of 0008_crm_billing away again, with all that they hold.

DROP TABLE IF EXISTS crm.phone_credit_purchase;
DROP TABLE IF EXISTS crm.subscription;
