"""One small pure function for each classifier, written as if every input were known.

What is missing is supplied by `mlpa_caller.risk.engine`; who the rule is for (its population) and every
figure stand in the rule's file under ``reference/risk``.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlpa_caller.risk.classifiers import copy_number, germline, infant, relapse, upfront
from mlpa_caller.risk.classifiers.base import Classifier

__all__ = ["CLASSIFIERS"]

CLASSIFIERS: Mapping[str, Classifier] = {
    "cclg-2008-mrd": upfront.mrd_class,
    "cclg-2008-mrd-as-printed": upfront.mrd_class,
    "zheng-2019-ikzf1": upfront.zheng_2019_ikzf1,
    "ukall-cna-2014": copy_number.ukall_cna,
    "ukall-cna-two-tier": copy_number.ukall_cna_two_tier,
    "ikzf1plus-2018": copy_number.ikzf1_plus,
    "ikzf1plus-2018-cdkn2b-homozygous": copy_number.ikzf1_plus,
    "boer-2016": copy_number.boer_2016,
    "nci-rome": upfront.nci_rome,
    "ms-2010": upfront.ms_2010,
    "dcog-all11": upfront.dcog_all11,
    "volejnikova-2013": upfront.volejnikova_2013,
    "tpog-2013": upfront.tpog_2013,
    "sutton-2018": upfront.sutton_2018,
    "lee-2011-infant": infant.lee_2011_infant,
    "interfant-06": infant.interfant_06,
    "mll-10": infant.mll_10,
    "bfm-relapse-time": relapse.bfm_relapse_time,
    "vavilova-2023-time": relapse.vavilova_2023_time,
    "bfm-relapse-group": relapse.relapse_grid,
    "intreall-2010": relapse.relapse_grid,
    "vavilova-2023-blasts-5": relapse.blasts,
    "vavilova-2023-blasts-15": relapse.blasts,
    "post-transplant-relapse": relapse.post_transplant_relapse,
    "ikaros-germline": germline.ikaros_germline,
    "vavilova-2023-site": relapse.vavilova_2023_site,
}
