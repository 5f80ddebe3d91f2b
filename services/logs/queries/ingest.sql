-- name: insert_chunks
-- New chunks, but for those of tasks whose logs are gone.
INSERT INTO chunk (run_id, first_line, lines, first_at, last_at, raw_bytes, codec, task_id,
                   workspace, data, day)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[],
                     $6::integer[], $7::text[], $8::uuid[], $9::bigint[], $10::bytea[],
                     $11::date[]) AS new (run_id, first_line, lines, first_at, last_at,
                     raw_bytes, codec, task_id, workspace, data, day)
WHERE NOT EXISTS (SELECT FROM killed WHERE killed.task_id = new.task_id)
ON CONFLICT DO NOTHING
