"""What of a database is a person's: every table by name, with what becomes of it when somebody is erased.

A test walks the tables of both databases and fails when one is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping

PERSONAL: Mapping[str, str] = {
    "events": "timeline rows",
    "bodies": "whole events",
    "traits": "customer details",
    "past_traits": "customer details as they were",
    "opportunities": "places asked for",
    "exposures": "what was decided and shown",
    "receipts": "why; part of exposures in PostgreSQL",
    "assignments": "arms of tests",
    "business_keys": "which event carries an order number",
    "links": "which key is whose",
    "person_keys": "the same by person",
    "persons": "everybody written about",
    "keys": "the ids themselves",
    "met": "devices asked for once",
    "set_aside": "events that could not be taken; found by the ids and addresses in them",
    "audit": "operators' acts; those that name an id keep the act and lose the id",
}
"""Tables that hold a person's things: nothing of theirs stays in any of them."""

KEPT_OF_ERASED: Mapping[str, str] = {
    "erasures": "keyed hashes with a date, so that what arrives late is dropped and who unsubscribed stays so",
    "erased_units": "how many visitors of each arm were erased",
    "erased_totals": "what their events had added to days' totals",
    "erased_days": "what they had added to tests, as sums by day",
}
"""What an erasure leaves on purpose. Nobody can be found by it without the installation's secret."""

IMPERSONAL: Mapping[str, str] = {
    "totals": "sums by day and event; they stay, as they name nobody",
    "changes": "the same, waiting to be added up",
    "measured": "when tests were measured",
    "measured_days": "what tests came to, as sums by day",
    "seen_events": "names of events",
    "consent_days": "visits of a day by what they agreed to; sums that name nobody",
    "products": "the shop's catalogue",
    "product_pairs": "which products go together, over all visitors",
    "product_counts": "how often products were viewed and bought, over all visitors",
    "recounts": "when those were counted",
    "playbooks": "rules; `previewers` in team.yaml are staff, and go with a publish",
    "run_states": "whether rules act",
    "experiments": "how tests are designed, and their course",
    "learnings": "what tests taught, in sums",
    "notes": "what was switched off by itself, and warnings",
    "rule_counts": "what became of rules' answers by the hour; sums that name nobody",
    "settings": "of operators; and who is to be erased, until they are",
    "api_keys": "of operators",
    "counters": "numbers of the store",
    "leases": "running servers",
    "layout": "steps taken",
    "sqlite_sequence": "SQLite's own numbers",
}
"""Tables in which no visitor can be."""
