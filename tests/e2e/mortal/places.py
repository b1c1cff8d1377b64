"""Where each service can die, and where it does in every run."""

POINTS = ("before_effect", "after_effect", "after_puback", "after_ack")
STEPS = {
    "generator": ("image-generated-bulk",),
    "hooks": ("content-hooked",),
    "safety": ("content-moderated",),
    "storage": ("content-stored", "cleared-persisted"),
    "ledger": ("piece-persisted", "attempt-recorded", "progress-generated"),
}
OTHER_PLACES = {
    "generator": ("generator/after_call", "generator/after_staging", "generator/after_settlement"),
    "ledger": ("relay/after_puback",),
    "gateway": ("gateway/before_acceptance", "gateway/after_acceptance"),
}
PLACES = {
    service: (
        *(f"{step}/{point}" for step in STEPS.get(service, ()) for point in POINTS),
        *OTHER_PLACES.get(service, ()),
    )
    for service in (*STEPS, "gateway")
}
ALWAYS = {
    "generator": "generator/after_settlement",
    "hooks": "content-hooked/after_puback",
    "storage": "content-stored/after_ack",
    "ledger": "relay/after_puback",
    "gateway": "gateway/after_acceptance",
}
"""Money spent, captions written, files laid down, facts told, a promise given. What dies with a
message in its hands is gone for as long as the broker waits for it, so the others take longer."""

FIRST = {service: ALWAYS.get(service, places[0]) for service, places in PLACES.items()}
