package drill

import (
	"fmt"
	"strconv"
	"strings"

	"firedrill/reports"
)

// parseShard reads "2/4", the second of four parts. Empty: nil, the whole.
func parseShard(text, seeds string) (*reports.Shard, error) {
	if text == "" {
		return nil, nil
	}
	index, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if err1 != nil || err2 != nil || i < 1 || i > n {
		return nil, fmt.Errorf("--shard %q: write which part of how many, such as 2/4", text)
	}
	return &reports.Shard{Index: i, Of: n, Seeds: seeds}, nil
}

// shard picks the jobs of a shard: every n-th, so that each gets its share of the slow scenarios.
func shard(jobs []job, s *reports.Shard) []job {
	if s == nil {
		return jobs
	}
	var out []job
	for i := s.Index - 1; i < len(jobs); i += s.Of {
		out = append(out, jobs[i])
	}
	return out
}
