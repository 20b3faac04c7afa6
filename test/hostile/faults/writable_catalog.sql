-- live_rights: everybody may write to the list of trackings, and so lock it
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.tracked TO PUBLIC;
