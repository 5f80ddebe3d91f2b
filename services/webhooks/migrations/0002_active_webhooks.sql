-- Every few seconds each copy asks which webhooks are active: few among those that were ever made.
CREATE INDEX ON subscription (id) WHERE kind = 'webhook' AND NOT idle;

-- Rows that came after their subscription was forgotten. From now on such rows are refused.
DELETE FROM delivery WHERE NOT EXISTS (
    SELECT FROM cursor WHERE cursor.subscription = delivery.subscription);
DELETE FROM dead_letter WHERE NOT EXISTS (
    SELECT FROM cursor WHERE cursor.subscription = dead_letter.subscription);
