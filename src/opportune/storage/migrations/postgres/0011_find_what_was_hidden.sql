-- What rules hid lately is found without a walk through all that they showed.
CREATE INDEX exposures_that_hid ON exposures (first_at) WHERE subject = 'hide';
