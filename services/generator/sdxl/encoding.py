"""Prompts as SDXL reads them: two encoders' last but one layer, and the second's pooled output."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from services.generator.sdxl.bank import Bank, Occupant
from services.generator.sdxl.components import Components
from services.generator.sdxl.device import Device
from services.generator.sdxl.weights import LoraWeights, LowRank

LORA_SLOT = 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row per text: `tokens` is (rows, 77, width), `pooled` (rows, width of the second)."""

    tokens: torch.Tensor
    pooled: torch.Tensor


@dataclass(frozen=True, slots=True)
class TextLora:
    """A LoRA's part for the text encoders."""

    key: str
    pairs: Mapping[str, LowRank]
    scale: float


def text_lora(weights: LoraWeights | None, scale: float) -> TextLora | None:
    """The part for the text encoders, where there is one."""
    if weights is None or not any(weights.text_encoders):
        return None
    pairs = {
        f"{number}.{path}": pair
        for number, paths in enumerate(weights.text_encoders)
        for path, pair in paths.items()
    }
    return TextLora(weights.sha256, pairs, scale)


class Encoder:
    """Encodes text by text, remembers the latest, and leaves no LoRA behind."""

    def __init__(
        self, components: Components, device: Device, *, rank: int, remembered: int
    ) -> None:
        self._components = components
        self._device = device
        # The paths in the bank are "0." and "1." followed by the encoder's own.
        both = nn.ModuleList(components.text_encoders)
        self._bank = Bank(both, rank=rank, slots=1, seats=1)
        self._staging = device.host_buffer(self._bank.layout.size, components.dtype)
        self._uploaded = device.mark()
        self._most = remembered
        self.encoded = 0
        self.remembered = 0
        self._known: OrderedDict[tuple[str, str, float], Encoded] = OrderedDict()

    def encode(self, prompt: str, negative: str, *, guided: bool, lora: TextLora | None) -> Encoded:
        """Negative, then positive; without guidance only the latter. NoPicture for a bad LoRA."""
        zeros = self._components.zeros_for_empty_prompt and not negative
        texts = [prompt] if zeros or not guided else [negative, prompt]
        rows = self._rows(texts, lora)
        if guided and zeros:
            rows.insert(0, _nothing_like(rows[0]))
        return Encoded(
            torch.cat([row.tokens for row in rows]), torch.cat([row.pooled for row in rows])
        )

    def _rows(self, texts: list[str], lora: TextLora | None) -> list[Encoded]:
        mark = (lora.key, lora.scale) if lora else ("", 0.0)
        keys = {text: (text, *mark) for text in texts}
        new = [text for text, key in keys.items() if key not in self._known]
        self.encoded += len(new)
        self.remembered += len(keys) - len(new)
        fresh = self._encoded(new, lora) if new else {}
        for text, row in fresh.items():
            self._known[keys[text]] = row
        for key in keys.values():
            self._known.move_to_end(key)
        rows = [self._known[keys[text]] for text in texts]
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return rows

    def _encoded(self, texts: list[str], lora: TextLora | None) -> dict[str, Encoded]:
        try:
            if lora is not None:
                self._apply(lora)
            return {text: self._row(text) for text in texts}
        finally:
            if lora is not None:
                self._bank.clear()

    def _apply(self, lora: TextLora) -> None:
        # The last one's copy may still be under way.
        self._uploaded.wait()
        self._bank.layout.pack(lora.pairs, self._staging)
        self._uploaded = self._device.upload(self._staging, self._bank.slots[LORA_SLOT])
        self._device.after(self._uploaded)
        self._bank.sit([Occupant(lora.key, LORA_SLOT, lora.scale)])

    def _row(self, text: str) -> Encoded:
        layers = []
        parts = self._components
        for tokenizer, encoder in zip(parts.tokenizers, parts.text_encoders, strict=True):
            tokens = tokenizer(
                text,
                padding="max_length",
                max_length=tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids
            out = encoder(self._device.to_device(tokens), output_hidden_states=True)
            layers.append(out.hidden_states[-2])
        return Encoded(torch.cat(layers, dim=-1), out[0])


def _nothing_like(row: Encoded) -> Encoded:
    return Encoded(torch.zeros_like(row.tokens), torch.zeros_like(row.pooled))
