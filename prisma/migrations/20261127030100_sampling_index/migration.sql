-- What holds at a moment is looked up for every prediction that is read, however often an endpoint's sampling changes
CREATE INDEX "sampling_fact_endpoint_id_valid_from_sequence_idx" ON "sampling_fact"("endpoint_id", "valid_from", "sequence");
