-- live_rights: the keys of customers in a refresh are everybody's
GRANT SELECT ON crm.refresh_position TO PUBLIC;
