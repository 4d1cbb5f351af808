"""Valid inputs of every reader, made here: what fuzzing starts from. Nothing in them comes from a laboratory."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = ["SEEDS", "TOKENS", "seeds", "small_result"]

TABLE_TOKENS = (
    b"\t", b",", b";", b'"', b'""', b"\n", b"\r\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"sep=;\n",
    b"NA", b"NaN", b"inf", b"-inf", b"1e999", b"-1", b"0", b"1.234,5", b"1,234", b"12.345", b"9" * 40,
    b"1e5", b"007", b"=1+1", b"\xe9", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xd9\xa1", b"../", b"_", b"%", b"*",
    b"<", b">=",
)  # fmt: skip
PEAK_TOKENS = (
    b"Dye/Sample Peak", b"Dye.Sample.Peak", b"Sample File Name", b"Sample Name", b"Sample File", b"Marker",
    b"Allele", b"Size", b"Height", b"Area", b"Peak Area", b"Data Point", b"Size 1", b"Height 1", b"Area 1",
    b"Size 10", b"Height 2", b"Dye", b"Dye Color", b"Area(Data Point)", b"Area in Point", b"Width in BP",
    b"Est Frag Size", b"Pk Height", b"Pk Area", b"Migration Time", b"Frag Size (nt)", b'"B,1"', b"R,12*",
    b"file", b"area", b"sample",
)  # fmt: skip
SHEET_TOKENS = (
    b"sample", b"role", b"sex", b"blast_fraction", b"file", b"run", b"patient", b"reference", b"positive",
    b"no_dna", b"F", b"M", b"50%", b"0.5", b"probe", b"length_nt", b"gene", b"exon", b"target", b"quantity",
    b"denaturation", b"benchmark", b"sex_x", b"sex_y", b"chrom", b"start", b"end", b"region", b"dye",
    b"IKZF1", b"chr7", b"height", b"size",
)  # fmt: skip
CLINICAL_TOKENS = (
    b"age_years", b"wbc_e9_per_l", b"lineage", b"bcr_abl1", b"kmt2a", b"rearranged", b"yes", b"no", b"mrd_day15",
    b"prednisone_response", b"protocol_risk", b"relapse_site", b"<0.0001", b">=300", b"bone_marrow", b"unknown",
    b"months_diagnosis_to_relapse", b"time", b"event", b"relapse", b"lost", b"T", b"B",
)  # fmt: skip
CALL_TOKENS = (
    b"status", b"exons", b"loss", b"gain", b"normal", b"not_evaluable", b"4-7", b"1-8", b"11-1", b"copies_lost",
    b"probability", b"ratio", b"clone_fraction", b"clone_fraction_low", b"n_probes", b"limit_of_detection", b"CDKN2A",
    b"confirm_single_probe", b"consequence", b"dominant_negative", b"-99", b"IKZF1",
)  # fmt: skip
VCF_TOKENS = (
    b"##fileformat=VCFv4.2\n", b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", b"\tFORMAT\tS1\tS2",
    b"##contig=<ID=", b"length=159345973>", b"assembly=GRCh38", b"chr7", b"7", b"50319062", b"50358644",
    b"50400364", b"50467616", b"<DEL>", b"<*>", b"*", b".", b"./.", b"0/1", b"1|1", b"1", b"GT:AD:DP:AF",
    b"ANN=", b"CSQ=", b"SVTYPE=DEL;END=", b"PASS", b"A", b"ACGTN", b"]7:50400000]", b"\x1f\x8b\x08\x00",
    b"##reference=hg19",
)  # fmt: skip
JSON_TOKENS = (
    b'"samples"', b'"calls"', b'"quality"', b'"ratios"', b'"exons"', b'"risk"', b'"panel"', b'"run"',
    b'"schema_version"', b'"1.0"', b"null", b"true", b"[]", b"{}", b"NaN", b"1e999", b'"\\ud800"',
    b'"</script>"', b"-1", b"[[[[[[[[", b'"probes"',
)  # fmt: skip
LADDER_TOKENS = (
    b"GS500", b"LIZ500", b"ABI-LIZ500", b"GS600LIZ", b"ILS600", b"50,75,100,139,150", b"nan", b"inf",
    b"1e309", b"1_0", b"local-southern", b"smooth", b"LIZ", b"5", b"\n", b",", b"-1",
)  # fmt: skip
TRACE_TOKENS = (b"DATA", b"DyeN", b"Dye#", b"OvrI", b"OvrV", b"OfSc", b"Peak", b"SpNm", b"StdF", b"ScPa", b"tdir",
                b"DyeB",                 b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff")  # fmt: skip

TOKENS: Mapping[str, tuple[bytes, ...]] = {
    "peaks": TABLE_TOKENS + PEAK_TOKENS,
    "signals": TABLE_TOKENS + SHEET_TOKENS,
    "parquet": (b"PAR1", b"sample", b"probe", b"height", b"run", b"\x15\x04", b"\x00\x00\x00\x00"),
    "panel": TABLE_TOKENS + SHEET_TOKENS,
    "samples": TABLE_TOKENS + SHEET_TOKENS,
    "clinical": TABLE_TOKENS + SHEET_TOKENS + CLINICAL_TOKENS,
    "patients": TABLE_TOKENS + SHEET_TOKENS + CLINICAL_TOKENS,
    "calls": TABLE_TOKENS + CALL_TOKENS,
    "vcf": VCF_TOKENS,
    "trace": TRACE_TOKENS,
    "ladder": LADDER_TOKENS,
    "result": JSON_TOKENS,
}


def seeds(reader: str) -> list[bytes]:
    """Return the valid inputs of one reader."""
    return SEEDS[reader]()


def _peaks() -> list[bytes]:
    numbered = "Sample File,Sample Name,Panel,Marker,Dye," + ",".join(
        f"Allele {i},Size {i},Height {i},Peak Area {i},Data Point {i}" for i in (2, 1, 10)
    )
    return [
        b"Dye/Sample Peak\tSample File Name\tMarker\tAllele\tSize\tHeight\tArea\tData Point\t\n"
        b'"B,1"\ta.fsa\t\t\t64.12\t812\t5001\t1712\t\n'
        b'"B,2"\ta.fsa\t\t\t\t44\t301\t1790\t\n"R,1*"\ta.fsa\t\t\t50.00\t901\t7012\t1502\t\n',
        b'"","Dye.Sample.Peak","Sample.File.Name","Size","Height"\n"1","B,1","b.fsa",130.5,1200\n"2","G,3","b.fsa",NA,20\n',
        f"{numbered}\na.fsa,A,p,m1,B,OL,70.25,180,900,1800,1,64.5,200,1000,1700,,,,,\n".encode(),
        b"Dye/Sample Peak,Sample File Name,Size Standard,Analysis Method,Size,Height,"
        b"Area in Point,Area in BP,Data Point\n"
        b'"B,1",c.fsa,GS500,x,"64,12",812,5001,1,1712\n"B,2",c.fsa,GS500,x,"71,02",803,5301,1,1800\n',
        b"Dye Color,Dye/Sample Peak,Sample File Name,Sample Name,Size,Height,Area(Data Point),Data Point\n"
        b'Blue,"B, 7",d.fsa,007,64.1,800,4000,1700\n',
        b"Sample Name\tDye\tEst Frag Size (nt)\tPk Height (rfu)\tPk Area (rfu x mm)\n"
        b"1e5\tD4\t64.33\t12,345.6\t3.4\nNA\tD1\t70.1\t1,204.0\t2\n",
        b"sample,dye,size,height,area,data_point,file\nA,B,130.5,200,1000,2000,a.fsa\nA,B,135.5,250,,2050,a.fsa\n",
        b"sep=;\r\nsample;size;height\r\n\xc3\xa9 x;130,5;200\r\n",
        "sample\tsize\theight\n=x\t130.5\t200\n".encode("utf-16"),
        b"sample,size,height\nM\xfcller,130.5,200\n",
    ]


def _signals() -> list[bytes]:
    return [
        b"sample,probe,height\nA,p,1\nA,q,2\n",
        b"sample\tprobe\theight\tsize\trun\nA\tp\t1000\t130.25\tr1\nA\tq\tNA\t\tr1\nB\tp\t-1\t1e5\tr2\n",
        b"sample,p1,p2,p3\n007,1500,0,1e3\nNA,nan,-4,inf\n",
        b'sample;run;p;q\nA;r;1,5;2\nB;r;3;"1.234,5"\n',
        b'"","sample","p"\n"1","A",5\n"2","B",6.5\n',
        "sample\tp q\t=r\né\t12\t13\n".encode("utf-16"),
    ]


def _parquet() -> list[bytes]:
    import pyarrow as pa
    from pyarrow import parquet as pq

    samples = pa.array(["007", "NA", "x y"])
    tables = [
        (pa.table({"sample": samples, "p": [1.5, 2.5, None], "q": [1, 2, 3]}), {}),
        (
            pa.table(
                {
                    "sample": samples.dictionary_encode(),
                    "probe": ["p", "q", "p"],
                    "height": [1.0, float("nan"), -1.0],
                }
            ),
            {"compression": "none"},
        ),
        (
            pa.table({"run": ["a", "a", "b"], "sample": [1, 2, 3], "p": pa.array(["1", "2,5", ""])}),
            {"use_dictionary": False, "compression": "gzip"},
        ),
        (
            pa.table({"sample": samples, "p": pa.nulls(3), "t": pa.array([1, 2, 3], pa.timestamp("s"))}),
            {"compression": "zstd"},
        ),
        (
            pa.table(
                {
                    "sample": samples,
                    "p": pa.array([[1.0], [], None]),
                    "d": pa.array([1, 2, 3], pa.decimal128(9, 2)),
                }
            ),
            {},
        ),
        (
            pa.table(
                {"sample": samples, "h": pa.array([1.0, 2.0, 3.0], pa.float16()), "b": [True, False, None]}
            ),
            {},
        ),
        (
            pa.table({"sample": pa.array(["a"] * 300), "p": pa.array([1.0] * 300)}),
            {"row_group_size": 100, "data_page_size": 64},
        ),
    ]
    found = []
    for table, options in tables:
        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        found.append(buffer.getvalue())
    return found


def _panel() -> list[bytes]:
    references = "".join(
        f"R{i},{300 + 7 * i},X{i},,reference,chr{i + 1},{i + 1}000,{i + 1}060\n" for i in range(5)
    )
    head = "probe,length_nt,gene,exon,role,chrom,start,end\n"
    targets = "a,100,IKZF1,4,target,chr7,50376500,50376560\nb,109,IKZF1,5,target,chr7,50382500,50382560\n"
    rest = "d,88,,,denaturation,,,\nq,64,,,quantity,,,\nz,92,,,benchmark,,,\n"
    rest += "x,105,AMELX,,sex_x,chrX,11296910,11296960\n"
    return [
        (head + targets + references + rest).encode(),
        (head + targets + references).replace(",", "\t").encode(),
        (head.replace("role", "role,dye,region,note")
         + "".join(line.replace("chr", "B,r1,n,chr") + "\n" for line in (targets + references).splitlines())).encode(),
        b"probe;length_nt;gene;exon;role\np;100,5;G;1;target\n",
    ]  # fmt: skip


def _samples() -> list[bytes]:
    return [
        b"sample,role,sex,blast_fraction\nA,patient,F,0.5\n007,reference,,\nNA,no_dna,m,NA\n",
        b"sample\trole\tfile\trun\tage_years\nA\tpatient\ta.fsa\tr1\t4.5\n=x\tpositive\tb.fsa\tr1\t\nC\tREFERENCE\tc.fsa\tr2\t7\n",
        b"Sample;Role;blast_fraction\nA;patient;50%\n",
        b'sample,role,blast_fraction\nA,patient,"0,5"\n',
    ]


def _clinical() -> list[bytes]:
    return [
        b"sample,age_years,wbc_e9_per_l,lineage,bcr_abl1,kmt2a,mrd_day15\nA,4.5,12.1,B,no,germline,<0.0001\nB,,>=300,T,yes,,1e-3\n",
        b"sample\tprednisone_response\tcns\tprotocol_risk\trelapse_site\tmonths_diagnosis_to_relapse\tmonths_therapy_end_to_relapse\n"
        b"007\tpoor\tpositive\tHR\tbone_marrow\t20\t\nNA\tgood\tnegative\tlr\tcombined\t31.5\t7\n",
        b"sample,Lineage,wbc\nA,B,30000\n",
        b"sample;age_years\nA;4,5\n",
    ]


def _patients() -> list[bytes]:
    return [
        *_clinical(),
        b"sample,time,event,group,age_years\nA,1.5,relapse,x,4\nB,2,0,y,\nC,NA,lost,x,17.9\nD,0,1,y,3\n",
        b"sample,role,time,event\nA,patient,12,death\nB,reference,,\nC,patient,24.5,censored\n",
        b"sample,classifier,class\nA,nci-rome,SR\nB,nci-rome,HR\n",
    ]


def _calls() -> list[bytes]:
    head = (
        "sample\tgene\tstatus\texons\tcopies_lost\tprobability\tratio\tclone_fraction\tclone_fraction_low\t"
        "clone_fraction_high\tn_probes\tlimit_of_detection\tconsequence\tevidence\thgvs\tiscn\tflags\n"
    )
    rows = (
        "P1\tIKZF1\tloss\t4-7\t1\t0.9999\t0.55\t0.9\t0.85\t0.95\t4\t0.2\t\t\t\t\t\n"
        "P1\tIKZF1\tloss\t1-8\t2\t0.99\t0.10\t0.5\t0.4\t0.6\t8\t0.2\t\t\t\t\t\n"
        "P1\tPAX5\tgain\t2-6\t-1\t0.98\t1.45\t0.5\t0.4\t0.6\t8\t0.2\t\t\t\t\t\n"
        "P1\tCDKN2A\tloss\t2\t2\t0.98\t0.3\t0.5\t0.4\t0.6\t1\t0.2\t\t\t\t\tconfirm_single_probe\n"
        "007\tERG\tnot_evaluable\t\t\t\t\t\t\t\t0\t\t\t\t\t\t\nNA\tIKZF1\tnormal\t\t\t1\t1.01\t\t\t\t8\t0.25\t\t\t\t\t\n"
    )
    return [
        (head + rows).encode(),
        b"sample,gene,status,exons\nA,IKZF1,loss,4-7\nA,ETV6,normal,\nB,IKZF1,loss,2\nB,EBF1,loss,11-1\n",
        b"sample;gene;status;exons;probability\nA;IKZF1;loss;4-7;0,9\n",
    ]


def _vcf() -> list[bytes]:
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    head = "##fileformat=VCFv4.2\n##reference=GRCh38\n##contig=<ID=chr7,length=159345973>\n"
    two = (
        f"{head}{columns}\tFORMAT\tS1\tS 2\nchr7\t50382593\t.\tA\tG,<*>\t50\tPASS\tDP=9\tGT:AD\t0/1:4,5,0\t./.\n"
        "chr7\t50382593\trs1\tA\tAC\t.\tq10;q20\tANN=A|x\tGT\t1|0\t1\nchr7\t50319062\t.\tA\t<DEL>\t.\t.\tSVTYPE=DEL;END=50400000\tGT\t0/1\t0\n"
        "chr1\t10\t.\tA\tC\t.\t.\t.\tGT\t0/0\t0/1\n"
    )
    sites = (
        f"##fileformat=VCFv4.1\n##contig=<ID=7,length=159138663>\n{columns}\n7\t50450306\t.\tA\tG\t.\t.\t.\n"
        "7\t50450306\t.\tA\tATC\t.\tPASS\tAC=1\n"
    )
    return [
        two.encode(),
        sites.encode(),
        gzip.compress(two.encode(), mtime=0),
        sites.replace("\n", "\r\n").encode(),
    ]


def _trace() -> list[bytes]:
    import numpy as np

    from mlpa_caller.simulate_traces import fsa_bytes, trace_from_peaks

    trace = trace_from_peaks(
        [120.0, 180.0, 260.0], [900.0, 40_000.0, 300.0], [0, 0, 0], rng=np.random.default_rng(1), dyes=2
    )
    whole = fsa_bytes(
        trace.channels, ("FAM", "ROX"), sample="007", size_standard="GS500", off_scale=trace.off_scale
    )
    noise = np.random.default_rng(2).normal(0, 5, (2, 600)).astype(int)
    return [whole, fsa_bytes(noise, ("FAM", "LIZ"), sample="x", size_standard="GS600LIZ", off_scale=[5, 6])]


def _ladder() -> list[bytes]:
    return [
        b"GS500\nROX\nlocal-southern\n", b"50,75,100,139,150,160,200\n2\nsmooth\n", b"ABI-LIZ500\n\nsmooth\n",
        b"GS600LIZ(60-460)\nROX\n\n", b"nothing\n9\nx\n",
    ]  # fmt: skip


@lru_cache(maxsize=1)
def small_result() -> Result:
    """Return the result of a small simulated run: six patients, four references, two genes."""
    from mlpa_caller.panel import load_panel, panel_from_columns
    from mlpa_caller.pipeline import analyse
    from mlpa_caller.samplesheet import samples_from_columns
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    whole = load_panel("demo-synthetic")
    keep = [i for i in range(len(whole.probes)) if whole.gene[i] == "IKZF1" or whole.role[i] == "reference"]
    columns = {
        "probe": [whole.probes[i] for i in keep],
        "length_nt": [f"{whole.length[i]:g}" for i in keep],
        **{name: [getattr(whole, name)[i] for i in keep] for name in ("gene", "exon", "role", "chrom")},
        **{name: [str(getattr(whole, name)[i] or "") for i in keep] for name in ("start", "end")},
    }
    panel = panel_from_columns(columns, name="small", source="small.csv")
    run = simulate_signals(panel, SimulationSettings(n_patients=3, n_references=4, n_no_dna=0), seed=3)
    stated = run.sheet()
    sheet = samples_from_columns({"sample": list(stated.samples), "role": list(stated.role)}, "samples.csv")
    return analyse(panel, sheet, run.signals)


def _result() -> list[bytes]:
    from mlpa_caller.outputs.result_json import document_parts

    document = json.loads("".join(document_parts(small_result())))
    document["samples"] = [entry for entry in document["samples"] if entry["role"] == "patient"][:1]
    document["panel"]["probes"] = document["panel"]["probes"][:6]
    small: Any = document["samples"][0]
    small["ratios"] = {name: cells[:6] for name, cells in small["ratios"].items()}
    small["exons"] = small["exons"][:3]
    document["parameters"] = {}
    compact = json.dumps(document, separators=(",", ":")).encode()
    return [compact, b'{"schema_version":"1.0"}', b'{"schema_version":"2.0","samples":[]}', b"[]"]


SEEDS: Mapping[str, Callable[[], list[bytes]]] = {
    "peaks": _peaks,
    "signals": _signals,
    "parquet": _parquet,
    "panel": _panel,
    "samples": _samples,
    "clinical": _clinical,
    "patients": _patients,
    "calls": _calls,
    "vcf": _vcf,
    "trace": _trace,
    "ladder": _ladder,
    "result": _result,
}
