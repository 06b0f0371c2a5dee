// Package reports turns judged runs into what people and machines look at: results.json, a self-contained
// report.html, junit.xml, results.sarif, summary.md with its picture, and a summary for the terminal. It also holds
// results against a baseline (the gate), joins the shards of a run, and shows what a sweep over settings found. Equal
// results become equal bytes.
package reports
