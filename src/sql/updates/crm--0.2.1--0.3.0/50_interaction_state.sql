-- The state of the aggregates of interactions gets a type of its own; what it was before goes in 96_interaction_state.

CREATE TYPE crm.interaction_history_state;

@create crm_internal.interaction_history_state_in
@create crm_internal.interaction_history_state_out
@create crm_internal.interaction_history_state_recv
@create crm_internal.interaction_history_state_send

CREATE TYPE crm.interaction_history_state (
  INPUT = crm_internal.interaction_history_state_in,
  OUTPUT = crm_internal.interaction_history_state_out,
  RECEIVE = crm_internal.interaction_history_state_recv,
  SEND = crm_internal.interaction_history_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.interaction_history_state IS
  'what the aggregate interaction_history remembers: a history with room to grow, its last entries in any order';

@create crm_internal.interaction_history_final
@create crm_internal.interaction_history_combine
@create crm_internal.interaction_history_transition
CREATE FUNCTION crm_internal.merge_transition(crm.interaction_history_state, crm.interaction_history) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_merge';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.interaction_history_state, crm.interaction_history) IS
  'transition function of the aggregate merge';
