// results/report/svg/plot_script.c: what all scripts have in common.
#include "results/report/svg/plot_script.h"

#include "base/unicode.h"
#include "results/keep.h"

int plot_colour_number(int colour)
{
    return colour; // rgb(0, 0, n) as one number
}

void plot_colour(Plot *plot, int colour)
{
    buffer_printf(&plot->script, "\"#%06x\"", (unsigned)plot_colour_number(colour));
}

Plot plot_begin(PlotContext *context, int width, int height)
{
    Plot plot = {.context = context, .label_columns = PLOT_LABEL_COLUMNS};
    buffer_printf(&plot.script,
                  "set encoding utf8\n"
                  "set terminal svg size %d,%d noenhanced font \"sans-serif,13\"\n"
                  "set datafile missing \"NaN\"\n"
                  "set border 1 lc rgb \"#%06x\"\n"
                  "set tics nomirror scale 0.4 textcolor rgb \"#%06x\"\n"
                  "set key textcolor rgb \"#%06x\" samplen 1.6 spacing 1.15\n"
                  "set style fill solid 1 noborder\n",
                  width, height, PLOT_RULE, PLOT_MUTED, PLOT_INK);
    return plot;
}

// At most so many columns of it: a drawing has its limits; tables show labels whole.
static Slice cut_label(Arena *arena, Slice label, size_t most, bool *failed)
{
    size_t columns = 0, end = 0;
    for (size_t i = 0; i < label.len;) {
        const CodePoint c = utf8_next(label, &i);
        columns += c < 0 ? 1 : (size_t)unicode_columns(c);
        if (columns > most) break;
        end = i;
    }
    if (end == label.len) return label;
    return keep_cstr(
        arena_printf(arena, SLICE_FMT "\xe2\x80\xa6", SLICE_ARG(slice_sub(label, 0, end))), failed);
}

void plot_label(Plot *plot, Slice label)
{
    if (plot->n_labels == PLOT_MAX_LABELS) {
        buffer_append_cstr(&plot->script, "\"\"");
        return;
    }
    const Slice cut = cut_label(&plot->arena, label, plot->label_columns, &plot->script.failed);
    const size_t index = plot->n_labels++;
    plot->labels[index] = cut;
    char token[16];
    const int len = snprintf(token, sizeof token, "@%zu", index);
    buffer_printf(&plot->script, "\"%s", token);
    // gnuplot leaves room by the length of what it sees.
    for (size_t i = (size_t)len; i < unicode_text_columns(cut); i++)
        buffer_append_byte(&plot->script, 'x');
    buffer_append_byte(&plot->script, '"');
}

Status plot_end(Plot *plot, Buffer *out, bool *drawn, Error *err)
{
    Buffer drawing = {0};
    char prefix[32];
    snprintf(prefix, sizeof prefix, "p%zu-", ++plot->context->n_drawn);
    Status s = buffer_status(&plot->script, err);
    if (s == STATUS_OK)
        s = gnuplot_run(plot->context->gnuplot, buffer_slice(&plot->script), &drawing, err);
    if (s == STATUS_OK) s = buffer_status(&drawing, err);
    if (s == STATUS_OK)
        s = svg_clean(buffer_slice(&drawing), prefix, buffer_slice(&plot->title), plot->labels,
                      plot->n_labels, out, err);
    *drawn = s == STATUS_OK;
    buffer_release(&drawing);
    plot_discard(plot);
    return s;
}

void plot_discard(Plot *plot)
{
    buffer_release(&plot->script);
    buffer_release(&plot->title);
    arena_release(&plot->arena);
}

int plot_heat(double share)
{
    const int step = (int)(share * (PLOT_N_HEAT - 1) + 0.5);
    return PLOT_HEAT_0 + (step < 0 ? 0 : step >= PLOT_N_HEAT ? PLOT_N_HEAT - 1 : step);
}

int plot_heat_ink(double share)
{
    return plot_heat(share) - PLOT_HEAT_0 < 6 ? PLOT_HEAT_INK_LOW : PLOT_HEAT_INK_HIGH;
}
