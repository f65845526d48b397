-- Takes the tables of 0010_crm_sequences away again, with all that they hold.

DROP TABLE IF EXISTS crm.sales_sequence_step;
DROP TABLE IF EXISTS crm.sales_sequence_exit_condition;
DROP TABLE IF EXISTS crm.sales_sequence_entry_condition;
DROP TABLE IF EXISTS crm.sales_sequence;
