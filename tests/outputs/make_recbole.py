"""How the files of RecBole here were made, with recbole 1.2.1: ``python make_recbole.py`` in this folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.general_recommender import BPR
from recbole.trainer import Trainer
from recbole.utils import init_seed
from recbole.utils.case_study import full_sort_topk

train, test = (
    pd.read_csv(f"{part}.csv").rename(
        columns={
            "user_id": "user_id:token",
            "item_id": "item_id:token",
            "rating": "rating:float",
            "timestamp": "timestamp:float",
        }
    )
    for part in ("train", "test")
)
valid = train.groupby("user_id:token").tail(1)
folder = Path("recbole")
folder.mkdir(exist_ok=True)
for part, rows in {"train": train.drop(valid.index), "valid": valid, "test": test}.items():
    rows.to_csv(folder / f"recbole.{part}.inter", sep="\t", index=False)

config = Config(
    model="BPR",
    dataset="recbole",
    config_dict={
        "data_path": ".",
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id"]},
        "embedding_size": 8,
        "epochs": 60,
        "learning_rate": 0.02,
        "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
        "metrics": ["Recall", "MRR", "NDCG", "Hit", "Precision", "MAP"],
        "topk": [10],
        "metric_decimal_place": 12,
        "use_gpu": False,
        "show_progress": False,
        "checkpoint_dir": "checkpoints",
    },
)
init_seed(config["seed"], config["reproducibility"])
dataset = create_dataset(config)
train_data, valid_data, test_data = data_preparation(config, dataset)
model = BPR(config, train_data.dataset).to(config["device"])
trainer = Trainer(config, model)
trainer.fit(train_data, verbose=False, saved=False)
found = trainer.evaluate(test_data, load_best_model=False)
Path("recbole.json").write_text(json.dumps({name: float(value) for name, value in found.items()}, indent=1) + "\n")

users = sorted(train["user_id:token"].unique())
scores, items = full_sort_topk(
    dataset.token2id(dataset.uid_field, users), model, test_data, k=10, device=config["device"]
)
lists = pd.DataFrame(
    {
        "user_id": pd.Series(users).repeat(10).to_numpy(),
        "item_id": dataset.id2token(dataset.iid_field, items.cpu()).ravel(),
        "score": scores.cpu().numpy().ravel(),
    }
)
lists.to_csv("recbole.csv", index=False)
lists.rename(columns={"user_id": "user_id:token", "item_id": "item_id:token", "score": "score:float"}).to_csv(
    "recbole.inter", sep="\t", index=False
)
for part in ("train", "valid", "test"):
    shutil.move(folder / f"recbole.{part}.inter", f"recbole.{part}.inter")
for left in (folder, Path("checkpoints"), Path("log"), Path("log_tensorboard")):
    shutil.rmtree(left, ignore_errors=True)
