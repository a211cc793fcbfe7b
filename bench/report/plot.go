package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes of the plot, in its own units.
const (
	plotLeft, plotTop     = 70, 20
	plotWidth, plotHeight = 480, 300
	plotLegend            = 210
)

// Colours of lines that can be told apart on white and on black, and by people who see fewer colours (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a", "#b0a000"}

// Plot draws lines with both axes logarithmic, as SVG that is readable on a light and on a dark page.
func Plot(lines []Line) string {
	p := newPlot(lines)
	var text strings.Builder
	fmt.Fprintf(&text, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="sans-serif" font-size="12">`+"\n",
		plotLeft+plotWidth+plotLegend, plotTop+plotHeight+50)
	text.WriteString("<title>Nanoseconds of a decision by the number of what is configured</title>\n" +
		"<style>.ink{fill:#222}.rule{stroke:#8888;stroke-width:1}@media(prefers-color-scheme:dark){.ink{fill:#ddd}}</style>\n")
	p.axes(&text)
	for i, l := range lines {
		p.line(&text, l, i)
	}
	text.WriteString("</svg>\n")
	return text.String()
}

// A plot maps decades to places.
type plot struct{ fromX, toX, fromY, toY float64 }

func newPlot(lines []Line) plot {
	p := plot{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}
	for _, l := range lines {
		for _, q := range l.Points {
			x, y := math.Log10(float64(q.Size)), math.Log10(q.Nanos)
			p.fromX, p.toX = min(p.fromX, math.Floor(x)), max(p.toX, math.Ceil(x))
			p.fromY, p.toY = min(p.fromY, math.Floor(y)), max(p.toY, math.Ceil(y))
		}
	}
	return p
}

func (p plot) x(decade float64) float64 {
	return plotLeft + plotWidth*(decade-p.fromX)/max(p.toX-p.fromX, 1)
}

func (p plot) y(decade float64) float64 {
	return plotTop + plotHeight*(1-(decade-p.fromY)/max(p.toY-p.fromY, 1))
}

func (p plot) axes(text *strings.Builder) {
	for d := p.fromX; d <= p.toX; d++ {
		x := p.x(d)
		fmt.Fprintf(text, `<path class="rule" d="M%.1f %d V%d"/><text class="ink" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x, plotTop, plotTop+plotHeight, x, plotTop+plotHeight+18, grouped(int(math.Pow(10, d))))
	}
	for d := p.fromY; d <= p.toY; d++ {
		y := p.y(d)
		fmt.Fprintf(text, `<path class="rule" d="M%d %.1f H%d"/><text class="ink" x="%d" y="%.1f" text-anchor="end">%s ns</text>`+"\n",
			plotLeft, y, plotLeft+plotWidth, plotLeft-6, y+4, grouped(int(math.Pow(10, d))))
	}
	fmt.Fprintf(text, `<text class="ink" x="%d" y="%d" text-anchor="middle">configured</text>`+"\n", plotLeft+plotWidth/2, plotTop+plotHeight+40)
}

func (p plot) line(text *strings.Builder, l Line, i int) {
	colour := colours[i%len(colours)]
	var places []string
	for _, q := range l.Points {
		places = append(places, fmt.Sprintf("%.1f,%.1f", p.x(math.Log10(float64(q.Size))), p.y(math.Log10(q.Nanos))))
	}
	fmt.Fprintf(text, `<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>`+"\n", colour, strings.Join(places, " "))
	y := plotTop + 10 + 20*i
	fmt.Fprintf(text, `<path stroke="%s" stroke-width="3" d="M%d %d h18"/><text class="ink" x="%d" y="%d">%s</text>`+"\n",
		colour, plotLeft+plotWidth+14, y, plotLeft+plotWidth+38, y+4, html.EscapeString(l.Name))
}
