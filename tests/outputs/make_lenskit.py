"""How the files of LensKit here were made, with lenskit 2025.8.1: ``python make_lenskit.py`` in this folder."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from lenskit.batch import recommend
from lenskit.data import ItemListCollection, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.metrics import NDCG, Hit, Precision, Recall, RecipRank, RunAnalysis
from lenskit.pipeline import topn_pipeline

train = pd.read_csv("train.csv")
data = from_interactions_df(train)
pipeline = topn_pipeline(ItemKNNScorer(k=10, min_sim=1e-6, feedback="implicit"), n=10)
pipeline.train(data)
lists = recommend(pipeline, sorted(train["user_id"].unique()), n=10, n_jobs=1)
lists.save_parquet("lenskit.parquet")  # a row a list
lists.save_parquet("lenskit-flat.parquet", layout="flat")  # a row an item
lists.to_df().to_csv("lenskit.csv", index=False)

held = ItemListCollection.from_df(pd.read_csv("test.csv").drop(columns=["rating", "timestamp"]), ["user_id"])
analysis = RunAnalysis()
for metric in (NDCG(10), Precision(10), Recall(10), RecipRank(10), Hit(10)):
    analysis.add_metric(metric)
found = analysis.measure(lists, held).list_summary()["mean"]
Path("lenskit.json").write_text(json.dumps(found.to_dict(), indent=1) + "\n")
