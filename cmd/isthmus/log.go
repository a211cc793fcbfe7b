package main

import (
	"io"
	"log/slog"
)

// logger writes JSON lines.
func (f *flags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.LogLevel)) // the flag's enum allows nothing else
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
