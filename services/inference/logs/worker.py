SCHEMA = "pipeline_logs_v1"
