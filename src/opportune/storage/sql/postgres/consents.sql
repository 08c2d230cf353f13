-- name: add_consents
-- Visits added to those of their day.
INSERT INTO consent_days (day, banner, has_gpc, answer, visits) VALUES :rows
ON CONFLICT (day, banner, has_gpc, answer) DO UPDATE SET visits = consent_days.visits + excluded.visits;

-- name: list_consents
-- Of some days, both ends included.
SELECT day, banner, has_gpc, answer, visits FROM consent_days WHERE day BETWEEN %s AND %s
ORDER BY day, banner, has_gpc, answer;

-- name: retire_consents
-- Days before this one leave.
DELETE FROM consent_days WHERE day < %s;
