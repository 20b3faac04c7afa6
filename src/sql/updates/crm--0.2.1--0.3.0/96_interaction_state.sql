-- The aggregates stand on the new state (90_words for interaction_history); what they stood on goes.

@replace crm.merge

DROP FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text);
DROP FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text);
DROP FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int);
DROP FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int, timestamptz);
DROP FUNCTION crm_internal.merge_transition(crm.interaction_history, crm.interaction_history);
DROP FUNCTION crm_internal.interaction_history_final(crm.interaction_history);
