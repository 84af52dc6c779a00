-- What have people decided, and what did the machine say before?
--
-- Every decision on events and, for edits, the value that it replaced.
--
-- **Traps.** People see what the machine is unsure of, so these are not a sample: the share of corrected events among
-- the reviewed ones says nothing about the rest. Nobody has reviewed the sample: an empty answer.
SELECT
    d.kind,
    d.state,
    d.field,
    x.machine_value,
    coalesce(x.human_value, d.value) AS human_value,
    d.author,
    d.reason
FROM decisions AS d LEFT JOIN event_edits AS x USING (decision_id)
ORDER BY d.decided_at, d.decision_id;
