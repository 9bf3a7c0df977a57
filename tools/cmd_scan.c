// assay scan: personal data in files.
#include <string.h>

#include "base/input.h"
#include "base/json.h"
#include "base/unicode.h"
#include "datasets/personal.h"
#include "tools/commands.h"

enum {
    CHUNK = 1 << 20, // a longer line is looked at in pieces
    MOST_EXAMPLES = 100,
    LOOKED_AT = 4096, // bytes by which a file is known as no text
};

typedef struct Example {
    size_t line;
    Slice masked;
} Example;

typedef struct KindFinds {
    size_t n_finds, n_lines, n_examples;
    size_t last_line;  // that counts among n_lines
    Example *examples; // [n_examples], at most as many as are asked for
} KindFinds;

typedef struct FileFinds {
    const char *path;
    bool is_json;
    size_t n_lines, n_finds;
    KindFinds kinds[PERSONAL_MOST];
} FileFinds;

typedef struct Scanning {
    const CommandLine *line;
    Arena *arena; // of examples
    bool is_wanted[PERSONAL_MOST];
    size_t n_examples;
    Buffer plain; // a line of JSON without escapes
} Scanning;

// ---- a line ----

// Behind a backslash at `at`: what the escape stands for goes to out. What is no escape stays.
static size_t unescape_at(Slice text, size_t at, Buffer *out)
{
    char bytes[4];
    const char c = (char)(at + 1 < text.len ? text.ptr[at + 1] : 0);
    if (c == '"' || c == '\\' || c == '/') {
        buffer_append_byte(out, c);
        return at + 2;
    }
    if (c && strchr("bfnrt", c)) {
        buffer_append_byte(out, '\n');
        return at + 2;
    }
    CodePoint point = c == 'u' ? slice_hex4(text, at + 2) : -1;
    if (point < 0) {
        buffer_append_byte(out, '\\');
        return at + 1;
    }
    size_t end = at + 6;
    const bool is_pair = point >= 0xD800 && point < 0xDC00 && end + 1 < text.len &&
                         text.ptr[end] == '\\' && text.ptr[end + 1] == 'u';
    const CodePoint low = is_pair ? slice_hex4(text, end + 2) : -1;
    if (low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + (point - 0xD800) * 0x400 + (low - 0xDC00);
        end += 6;
    }
    buffer_append(out, (Slice){bytes, utf8_encode(point, bytes)});
    return end;
}

static Slice without_escapes(Slice text, Buffer *out)
{
    if (slice_find_byte(text, '\\') == SIZE_MAX) return text;
    buffer_clear(out);
    for (size_t at = 0; at < text.len;) {
        const Slice rest = slice_sub(text, at, text.len);
        const size_t plain = slice_find_byte(rest, '\\');
        buffer_append(out, slice_sub(rest, 0, plain));
        if (plain == SIZE_MAX) break;
        at = unescape_at(text, at + plain, out);
    }
    return buffer_slice(out);
}

static Status keep_example(Scanning *s, Slice found, size_t line, KindFinds *kind, Error *err)
{
    Buffer masked = {0};
    if (kind->n_examples >= s->n_examples) return STATUS_OK;
    if (kind->examples == NULL)
        TRY(arena_take(s->arena, s->n_examples, sizeof *kind->examples, "examples", &kind->examples,
                       err));
    personal_mask(found, &masked);
    const Slice kept = arena_copy(s->arena, buffer_slice(&masked));
    Status status = buffer_status(&masked, err);
    if (status == STATUS_OK && !kept.ptr) status = error_set_memory(err, masked.len, 1, "examples");
    buffer_release(&masked);
    TRY(status);
    kind->examples[kind->n_examples++] = (Example){line, kept};
    return STATUS_OK;
}

// One line, or a piece of a long one.
static Status scan_line(Scanning *s, Slice text, FileFinds *file, Error *err)
{
    PersonalScan scan = {.text = file->is_json ? without_escapes(text, &s->plain) : text};
    PersonalFind find;
    while (personal_next(&scan, &find)) {
        KindFinds *kind = &file->kinds[find.kind];
        if (!s->is_wanted[find.kind]) continue;
        file->n_finds++;
        kind->n_finds++;
        kind->n_lines += kind->last_line != file->n_lines;
        kind->last_line = file->n_lines;
        TRY(keep_example(s, slice_sub(scan.text, find.begin, find.end), file->n_lines, kind, err));
    }
    return buffer_status(&s->plain, err);
}

// ---- a file ----

// Where a line without an end can be cut: behind a blank between words, so that no number is in two pieces.
static size_t cut_of(Slice piece)
{
    for (size_t at = piece.len - 1; at > piece.len / 2; at--) {
        const unsigned char before = (unsigned char)piece.ptr[at - 1],
                            after = (unsigned char)piece.ptr[at];
        if (before == ' ' && (after | 0x20) >= 'a' && (after | 0x20) <= 'z') return at;
    }
    return piece.len;
}

static Status check_text(Slice begin, const char *path, Error *err)
{
    const Slice looked_at = slice_sub(begin, 0, LOOKED_AT);
    if (slice_find_byte(looked_at, '\0') == SIZE_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s: there are NUL bytes: this is UTF-16 or no text; make it UTF-8 "
                     "(iconv -f UTF-16 -t UTF-8)",
                     path);
}

// Full lines of what was read are scanned; the rest moves to the front.
static Status scan_read(Scanning *s, Buffer *read, bool is_end, FileFinds *file, bool *in_line,
                        Error *err)
{
    size_t at = 0;
    while (at < read->len) {
        const Slice rest = slice_sub(buffer_slice(read), at, read->len);
        const size_t line = slice_find_byte(rest, '\n');
        const bool is_cut = line == SIZE_MAX;
        if (is_cut && !is_end && rest.len < CHUNK) break;
        const size_t len = !is_cut ? line : is_end ? rest.len : cut_of(rest);
        file->n_lines += !*in_line;
        TRY(scan_line(s, slice_sub(rest, 0, len), file, err));
        *in_line = is_cut;
        at += len + !is_cut;
    }
    memmove(read->ptr, read->ptr + at, read->len - at);
    read->len -= at;
    return STATUS_OK;
}

static Status scan_input(Scanning *s, Input *input, FileFinds *file, Error *err)
{
    static char bytes[65536];
    Buffer read = {0};
    size_t n = 1;
    bool in_line = false, is_first = true;
    Status status = STATUS_OK;
    while (status == STATUS_OK && n > 0) {
        status = input_read(input, bytes, sizeof bytes, &n, err);
        if (status == STATUS_OK && is_first)
            status = check_text((Slice){bytes, n}, file->path, err);
        is_first = false;
        if (status != STATUS_OK) break;
        buffer_append(&read, (Slice){bytes, n});
        status = buffer_status(&read, err);
        if (status == STATUS_OK) status = scan_read(s, &read, n == 0, file, &in_line, err);
    }
    buffer_release(&read);
    return status;
}

static bool is_json_name(const char *path)
{
    static const Slice ends[] = {SLICE_LIT(".json"), SLICE_LIT(".jsonl"), SLICE_LIT(".ndjson")};
    const Slice name = input_plain_name(slice_from_cstr(path));
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (slice_ends_with(name, ends[i])) return true;
    }
    return false;
}

static const char *const format_choices[] = {"auto", "text", "json", NULL};

static Status scan_file(Scanning *s, const char *path, FileFinds *file, Error *err)
{
    const size_t format = option_choice(s->line, "format");
    Input *input = NULL;
    *file =
        (FileFinds){.path = path, .is_json = format == 2 || (format == 0 && is_json_name(path))};
    TRY(input_open(path, NULL, &input, err));
    const Status status = scan_input(s, input, file, err);
    input_close(&input);
    return status;
}

// ---- what is said ----

static void put_examples(const KindFinds *kind, Buffer *out)
{
    for (size_t i = 0; i < kind->n_examples; i++) {
        buffer_printf(out, "%s%zu: ", i > 0 ? ", " : "  ", kind->examples[i].line);
        output_escaped(out, kind->examples[i].masked);
    }
}

static void put_file(const FileFinds *file, Buffer *out)
{
    output_escaped(out, slice_from_cstr(file->path));
    buffer_printf(out, ": %zu find%s in %zu line%s\n", file->n_finds, file->n_finds == 1 ? "" : "s",
                  file->n_lines, file->n_lines == 1 ? "" : "s");
    for (size_t k = 0; k < personal_kinds_count; k++) {
        const KindFinds *kind = &file->kinds[k];
        if (kind->n_finds == 0) continue;
        buffer_printf(out, "  %-9s %8zu in %zu line%s", personal_kinds[k].name, kind->n_finds,
                      kind->n_lines, kind->n_lines == 1 ? "" : "s");
        put_examples(kind, out);
        buffer_append_byte(out, '\n');
    }
}

static void put_kind_json(const KindFinds *kind, JsonWriter *w)
{
    json_begin_object(w);
    json_member_u64(w, "finds", kind->n_finds);
    json_member_u64(w, "lines", kind->n_lines);
    json_member_array(w, "examples");
    for (size_t i = 0; i < kind->n_examples; i++) {
        json_begin_object(w);
        json_member_u64(w, "line", kind->examples[i].line);
        json_member_string(w, "masked", kind->examples[i].masked);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_file_json(const FileFinds *file, JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "file", file->path);
    json_member_u64(w, "lines", file->n_lines);
    json_member_u64(w, "finds", file->n_finds);
    json_member_object(w, "kinds");
    for (size_t k = 0; k < personal_kinds_count; k++) {
        if (file->kinds[k].n_finds == 0) continue;
        json_put_key(w, personal_kinds[k].name);
        put_kind_json(&file->kinds[k], w);
    }
    json_end_object(w);
    json_end_object(w);
}

// ---- the command ----

static Status read_kinds(Scanning *s, Error *err)
{
    const char *names[PERSONAL_MOST];
    const char *text = option_text(s->line, "kinds");
    Slice rest = slice_from_cstr(text ? text : ""), name;
    for (size_t k = 0; k < personal_kinds_count; k++) {
        names[k] = personal_kinds[k].name;
        s->is_wanted[k] = text == NULL;
    }
    while (slice_split(&rest, ',', &name)) {
        size_t k = 0;
        while (k < personal_kinds_count && !slice_eq_cstr(name, names[k])) k++;
        if (k == personal_kinds_count) {
            const char *near = nearest_name(name, names, personal_kinds_count);
            return error_set(err, STATUS_INVALID,
                             "--kinds: there is no \"" SLICE_FMT "\"%s%s%s; assay list personal "
                             "names them",
                             SLICE_ARG(slice_sub(name, 0, 60)), near ? "; did you mean \"" : "",
                             near ? near : "", near ? "\"?" : "");
        }
        s->is_wanted[k] = true;
    }
    return STATUS_OK;
}

static Status scan_files(Scanning *s, const CommandLine *line, FileFinds *files, size_t *n_finds,
                         Error *err)
{
    TRY(read_kinds(s, err));
    for (size_t i = 0; i < line->n_operands; i++) {
        TRY(scan_file(s, line->operands[i], &files[i], err));
        *n_finds += files[i].n_finds;
    }
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    FileFinds *files = NULL;
    Buffer out = {0};
    size_t n_finds = 0;
    Scanning s = {.line = line,
                  .arena = &line->arena,
                  .n_examples = (size_t)option_integer(line, "examples")};
    TRY(arena_take(&line->arena, line->n_operands, sizeof *files, "files", &files, err));
    const Status status = scan_files(&s, line, files, &n_finds, err);
    buffer_release(&s.plain);
    TRY(status);
    if (line->is_json) {
        JsonWriter w = json_writer(&out, 2);
        json_begin_object(&w);
        json_member_u64(&w, "finds", n_finds);
        json_member_array(&w, "files");
        for (size_t i = 0; i < line->n_operands; i++) put_file_json(&files[i], &w);
        json_end_array(&w);
        json_end_object(&w);
        buffer_append_byte(&out, '\n');
    } else {
        for (size_t i = 0; i < line->n_operands; i++) put_file(&files[i], &out);
    }
    line->exit_code = n_finds > 0 ? 1 : 0;
    return output_buffer(&out, err);
}

static const Option options[] = {
    {.name = "kinds",
     .kind = OPTION_TEXT,
     .value = "NAMES",
     .help =
         "what to look for, with commas between, as assay list personal names it; without it, all"},
    {.name = "examples",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "3",
     .lowest = 0,
     .highest = MOST_EXAMPLES,
     .help = "finds of each kind that are shown, masked, with their lines"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .fallback = "auto",
     .choices = format_choices,
     .help =
         "json undoes the escapes of JSON; auto does so where the name ends in .json, .jsonl or "
         ".ndjson"},
};

const Command command_scan = {
    .name = "scan",
    .group = "Evaluate",
    .summary =
        "look for personal data in files: e-mail, phones, accounts, cards, numbers of persons",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .description =
        "Counts what has the form of personal data, by kind; what has a check digit is checked by it. Files are "
        "text in UTF-8 of any format, packed by gzip or zstd or not; \"-\" is standard input. No find is "
        "shown whole.\n\n"
        "Exit status: 0 where nothing was found, 1 where something was, 2 where a file cannot be read.\n\n"
        "\"prepare\": [\"anonymise\"] in a task of a suite puts marks such as <EMAIL> in the place of "
        "finds. Names and addresses of streets have no form and are not found.",
    OPTIONS(options),
    .examples = "assay scan train.csv dev.jsonl.gz\n"
                "assay scan --kinds email,phone --json outputs.txt",
    .run = run,
};
