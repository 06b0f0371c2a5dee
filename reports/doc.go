// Package reports turns judged runs into what people and machines look at: results.json, a self-contained
// report.html, junit.xml, and a summary for the terminal. Equal results become equal bytes.
package reports
