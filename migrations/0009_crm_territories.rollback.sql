-- Takes the tables of 0009_crm_territories away again, with all that they hold.

DROP TABLE IF EXISTS crm.assignment_round_robin;
DROP TABLE IF EXISTS crm.assignment_access;
DROP TABLE IF EXISTS crm.assignment_condition;
DROP TABLE IF EXISTS crm.assignment_filter_group;
DROP TABLE IF EXISTS crm.assignment_rule;
DROP TABLE IF EXISTS crm.territory;
