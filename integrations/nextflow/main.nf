// MLPA runs by mlpa-caller, with Nextflow (DSL 2):
//
//   nextflow run main.nf --runs archive --panel my_mix.csv --out results
//
// `runs` is a folder with a folder for every run, which holds samples.csv and the run's exports or raw traces.
// MLPA_CALL makes a result folder for every run, one process a run; MLPA_BATCH does all of them and adds the
// combined tables (--combined).

nextflow.enable.dsl = 2

params.runs = 'runs'
params.panel = 'demo-synthetic'
params.out = 'results'
params.combined = false

process MLPA_CALL {
    tag "${run.name}"
    cpus 1
    memory '1 GB'
    publishDir params.out, mode: 'copy'

    input:
    path run
    val panel

    output:
    path "calls/${run.name}", emit: result
    path "calls/${run.name}/calls.tsv", emit: calls
    path "calls/${run.name}/quality.tsv", emit: quality

    script:
    """
    mlpa-caller batch '${run}' --panel '${panel}' --out batch --workers 1 --per-run --quiet
    mkdir calls
    mv batch/runs/* 'calls/${run.name}'
    """
}

process MLPA_BATCH {
    cpus 4
    memory '4 GB'
    publishDir params.out, mode: 'copy'

    input:
    path runs
    val panel

    output:
    path 'all/*.parquet', emit: tables
    path 'all/*.tsv', emit: lists
    path 'all/provenance.json', emit: provenance

    script:
    """
    mlpa-caller batch ${runs} --panel '${panel}' --out all --workers ${task.cpus} --combined-only --quiet
    """
}

workflow {
    panel = file(params.panel).exists() ? file(params.panel).toAbsolutePath().toString() : params.panel
    runs = channel.fromPath("${params.runs}/*", type: 'dir', checkIfExists: true)
    if (params.combined)
        MLPA_BATCH(runs.collect(), panel)
    else
        MLPA_CALL(runs, panel)
}
