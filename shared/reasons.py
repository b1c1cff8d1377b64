"""Reasons that are not codes of a door; as stable as those.

How pieces end, why messages are put aside, what is wrong with a field. `docs/errors.md` is
written from here.
"""

from collections.abc import Mapping

FAILED: Mapping[str, str] = {
    "deadline": "It was not finished before its deadline.",
    "cancelled": "Its task was cancelled before it was begun.",
    "avatar_deleted": "Its avatar was deleted in the meantime.",
    "providers_exhausted": "Every provider was asked in vain.",
    "providers_unavailable": "No provider could be called: each had failed too often.",
    "invalid_prompt": "The provider cannot work with its prompt.",
    "lora_load_failed": "The avatar's LoRA weights cannot be applied.",
    "lora_unavailable": "Storage cannot link the avatar's LoRA weights.",
    "no_captions": "Captions were written, but none can be used.",
    "image_lost": "Its image is no longer in staging.",
    "invalid_image": "Its image cannot be decoded, or is too large.",
    "brief_mismatch": "It was delivered as something else than what was ordered.",
    "verdict_mismatch": "The verdict is about other bytes than those to deliver.",
    "verdict_unsigned": "Nobody whose verdicts count has signed its verdict.",
    "verdict_forbids": "It was delivered although its verdict forbids that.",
    "not_allowed": "Its verdict allows no delivery.",
    "skip_not_allowed": "It went unjudged where nothing allows that.",
    "upload_failed": "Its files could not be stored.",
    "object_exists": "Another file lies where its own should.",
    "fact_too_large": "What is known about it does not fit a message.",
    "image_taken_down": "Its like was taken down while it was under way.",
    "frozen": "Its avatar was frozen before it was delivered.",
    "superseded": "A later run of it goes on instead.",
    "ended": "It had ended already.",
    "piece_not_found": "It is not on record.",
    "attempt_id_taken": "Another piece has a provider call of its id.",
    "internal_error": "A step failed again and again in a way that nobody foresaw.",
}
"""Why a piece ends `failed`."""

REJECTED: Mapping[str, str] = {
    "moderation_rejected": "The judge refuses the image, or the screen its prompt or a caption.",
    "image_taken_down": "It looks the same as a piece that was taken down.",
    "review_rejected": "A reviewer has refused it.",
    "review_expired": "Nobody has decided about it in time.",
}
"""Why a piece ends `rejected`."""

DEAD_LETTERS: Mapping[str, str] = {
    "too_large": "The message is larger than 256 KiB.",
    "invalid_json": "The body is not JSON, or JSON that could be read in two ways.",
    "not_cloudevents": "The attributes are not those of CloudEvents 1.0.",
    "unknown_type": "`ce-type` names another fact, or a version that is not read here.",
    "invalid_body": "The body is not what the contract asks for; the detail names the field.",
    "subject_mismatch": "The subject says something else than the body.",
    "internal_error": "The step failed again and again in a way that nobody foresaw.",
}
"""Why a message is put aside unread. A handover may also have the code of its refusal."""

FIELDS: Mapping[str, str] = {
    "json_invalid": "The body is not JSON in UTF-8.",
    "duplicate_member": "An object names a member twice.",
    "too_deep": "Objects and lists are nested too deeply.",
    "lone_surrogate": "A text has half of a surrogate pair, which is no character.",
    "control_character": "A text has a control character other than tab and line ends.",
    "not_offered": "`callback_url` and `priority` are not offered; leave them out.",
    "prompt_and_template": "`custom_prompt` and `template_id` exclude each other.",
    "consent_not_attested": "A consented person needs `name`, `attested_by` and `attested_at`.",
    "two_keys": "`lora_weights_url` and `r2_path` name different keys.",
    "unknown_sampler": "Nobody here has a sampler of that name; the message lists all.",
    "not_a_key": "The key of an object has no empty or dotted parts.",
    "nothing_to_check": "A check needs `text`, `image_base64` or `piece_id`.",
    "two_images": "`image_base64` and `piece_id` exclude each other.",
    "not_an_image": "`image_base64` is no whole PNG, JPEG or WebP in base64.",
    "not_empty": "The field always has a value; null cannot empty it.",
}
"""What is wrong with a field of a `validation_error`, in our words; other codes are pydantic's."""
