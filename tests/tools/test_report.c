#include <criterion/criterion.h>

#include "base/file.h"
#include "program.h"
#include "results/report/report.h"
#include "tests/support/folder.h"

static const char suite[] =
    "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"create\": {\"hidden_size\": 16, \"n_layers\": 1,"
    " \"n_heads\": 2, \"intermediate_size\": 16, \"vocab_size\": 60}}],"
    " \"tasks\": [{\"name\": \"t\", \"data\": \"d.tsv\"}], \"tune\": {\"epochs\": 1}, \"folds\": {\"k\": 2}}";

static const char rows[] = "text\tlabel\ngood one\tpos\nbad one\tneg\ngood two\tpos\nbad two\tneg\n"
                           "good three\tpos\nbad three\tneg\ngood four\tpos\nbad four\tneg\n";

Test(report, writes_every_format_to_standard_output_as_to_a_file)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *store = arena_printf(&arena, "%s/s.db", folder);
    const char *reports = arena_printf(&arena, "%s/reports", folder);
    write_file(&arena, folder, "d.tsv", rows);
    const char *path = write_file(&arena, folder, "s.json", suite);
    const Program made =
        RUN(&arena, NULL, "run", path, "--store", store, "--report", reports, "--quiet");
    program_want(&made, 0);
    for (size_t i = 0; i < report_format_count; i++) {
        const char *name = report_formats[i].name;
        const Program shown =
            RUN(&arena, NULL, "report", "--store", store, "--format", name, "--report", "-");
        program_want(&shown, 0);
        const Program written =
            RUN(&arena, NULL, "report", "--store", store, "--format", name, "--report", reports);
        program_want(&written, 0);
        const char *file =
            arena_printf(&arena, "%s/report.%s", reports, report_formats[i].extension);
        Error err = {0};
        Slice text = {0};
        cr_assert_eq(file_read(&arena, file, 1 << 26, &text, &err), STATUS_OK, "%s", err.text);
        cr_expect(shown.out.len > 100, "%s: %s", name, shown.out.ptr);
        cr_expect(slice_find(text, slice_sub(shown.out, 0, 100)) != SIZE_MAX,
                  "%s on standard output is not that of the file", name);
    }
    const Program shown = RUN(&arena, NULL, "show", "--store", store, "--json");
    program_want(&shown, 0);
    cr_expect_eq(json_kind(json_of(shown.out)), JSON_OBJECT);
    folder_remove(folder);
    arena_release(&arena);
}
