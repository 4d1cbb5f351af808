"""From dosage ratios to calls: every exon range on either allele is a hypothesis, and is scored."""
