-- live_rights: a column of the list may be updated, which is the right to lock its rows
GRANT UPDATE (notify) ON crm.tracked TO PUBLIC;
