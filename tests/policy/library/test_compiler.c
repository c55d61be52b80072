#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/policy/library/scene.h"

SUITE(compiler);

static int32_t
compile_file(struct scene *s, const char *path, int32_t options)
{
    return nspolicy_compile_file(s->compiler, path, NULL, NULL, NULL, NULL,
                                 options, 0, 0, &s->info);
}

static void
expect_info(const struct scene *s, int32_t phase, uint32_t code,
            int32_t object, int32_t first, int32_t last)
{
    cr_expect(s->info.lPhaseError == phase && s->info.hRes == (int32_t)code,
              "phase %d 0x%08X: %s", s->info.lPhaseError,
              (unsigned)s->info.hRes,
              nspolicy_compiler_error(s->compiler)->text);
    cr_expect(s->info.ObjectNum == object && s->info.FirstLine == first &&
                  s->info.LastLine == last,
              "object %d lines %d to %d", s->info.ObjectNum, s->info.FirstLine,
              s->info.LastLine);
    cr_expect(s->info.dwOutFlags == 0);
    cr_expect(nspolicy_compiler_error(s->compiler)->code == s->info.hRes);
}

static size_t
files_in(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    cr_assert(d != NULL);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

Test(compiler, three_lines_in_a_buffer_make_a_policy)
{
    struct scene s;
    struct nspolicy_policy *p;

    scene_init(&s);
    cr_assert(scene_compile(&s, CLASS_TEXT THREE_LINES("TRUE")) ==
                  WBEM_S_NO_ERROR,
              "%s", nspolicy_compiler_error(s.compiler)->text);
    expect_info(&s, 0, 0, 0, 0, 0);
    cr_expect(nspolicy_compiler_error(s.compiler)->text[0] == '\0');
    cr_expect(nspolicy_compiler_outcome(s.compiler) == NSPOLICY_IN_PLACE);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 1);
    p = scene_policy(&s);
    cr_expect(nspolicy_policy_generation(p) == 1);
    cr_expect(nspolicy_policy_requires_encryption(p, "root\\mynamespace") ==
              1);
    nspolicy_policy_unref(p);
    scene_fini(&s);
}

Test(compiler, counts_what_it_has_done)
{
    static const struct {
        enum nspolicy_count count;
        uint64_t first, second;
    } rows[] = {
        {NSPOLICY_NAMESPACES_CREATED, 1, 0},
        {NSPOLICY_NAMESPACES_DELETED, 0, 0},
        {NSPOLICY_CLASSES_CREATED, 1, 0},
        {NSPOLICY_CLASSES_DELETED, 0, 1},
        {NSPOLICY_INSTANCES_CREATED, 1, 0},
        {NSPOLICY_INSTANCES_DELETED, 0, 1},
        {NSPOLICY_ENCRYPTION_ON, 1, 0},
        {NSPOLICY_ENCRYPTION_OFF, 0, 1},
        {(enum nspolicy_count)99, 0, 0},
    };
    struct scene s;

    scene_init(&s);
    cr_assert(
        scene_compile(
            &s, CLASS_TEXT THREE_LINES(
                    "TRUE") "instance of My_Class { Name = \"a\"; };\n") == 0,
        "%s", s.said);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect(nspolicy_compiler_count(s.compiler, rows[i].count) ==
                      rows[i].first,
                  "count %d: %d", rows[i].count,
                  (int)nspolicy_compiler_count(s.compiler, rows[i].count));
    cr_assert(
        scene_compile(
            &s, THREE_LINES(
                    "FALSE") "#pragma deleteclass(\"My_Class\", FAIL)\n") == 0,
        "%s", s.said);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect(nspolicy_compiler_count(s.compiler, rows[i].count) ==
                      rows[i].second,
                  "then %d: %d", rows[i].count,
                  (int)nspolicy_compiler_count(s.compiler, rows[i].count));
    cr_assert(scene_compile(&s, "rubbish") == WBEM_S_FALSE);
    cr_expect(nspolicy_compiler_count(s.compiler, NSPOLICY_ENCRYPTION_OFF) ==
              0);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 0);
    scene_fini(&s);
}

Test(compiler, the_status_record_tells_phase_code_object_and_lines)
{
    static const struct {
        const char *text;
        int32_t phase;
        uint32_t code;
        int32_t object, first, last;
    } rows[] = {
        /* parsing, in the second class */
        {"class A { };\nclass B {\n string ;\n};\n", 1, 0x8004400C, 2, 2, 4},
        /* parsing, in no class */
        {"class A { };\n\n%\n", 1, 0x8004400A, 0, 3, 3},
        {"#pragma namespace(\"\\\\\\\\other\\\\root\\\\x\")\n", 1, 0x8004401C,
         0, 1, 1},
        /* storing: the superclass of the third */
        {"class A { };\nclass B { };\nclass C\n : None\n{\n};\n", 3,
         0x8004100D, 3, 3, 6},
        /* storing: an instance of a class that nobody knows */
        {"class A { };\ninstance of Nothing\n{\n x = 1;\n};\n", 3, 0x80041010,
         2, 2, 5},
        /* storing: the third of instances that stand alone */
        {"class A { [key] string k; };\ninstance of A { k = \"1\"; };\n"
         "instance of A { k = \"2\"; };\n\ninstance of A {\n l = 3;\n};\n",
         3, 0x80041002, 4, 5, 7},
    };
    struct scene s;

    scene_init(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_expect(scene_compile(&s, rows[i].text) == WBEM_S_FALSE);
        expect_info(&s, rows[i].phase, rows[i].code, rows[i].object,
                    rows[i].first, rows[i].last);
        cr_expect(strstr(s.said, "error") != NULL, "%s", s.said);
        cr_expect(strncmp(nspolicy_compiler_error(s.compiler)->text,
                          "buffer:", 7) == 0,
                  "%s", nspolicy_compiler_error(s.compiler)->text);
        cr_expect(nspolicy_compiler_outcome(s.compiler) == NSPOLICY_NOTHING);
    }
    /* Not even a repository has come of all that. */
    cr_expect(files_in(s.dir) == 2);
    scene_fini(&s);
}

/* What only the repository can refuse. */
Test(compiler, a_refusal_of_the_store_has_its_statement)
{
    struct scene s;
    const char *path;
    struct nspolicy_policy *p;

    scene_init(&s);
    cr_assert(scene_compile(&s, CLASS_TEXT) == 0);
    path = scene_file(&s, "again.mof",
                      THREE_LINES("TRUE") "class My_Class\n{\n"
                                          " [key] string Name;\n};\n");
    cr_expect(nspolicy_compile_file(s.compiler, path, NULL, NULL, NULL, NULL,
                                    0, WBEM_FLAG_CREATE_ONLY, 0,
                                    &s.info) == WBEM_S_FALSE);
    expect_info(&s, 3, 0x80041019, 2, 4, 7);
    cr_expect(strstr(s.said, "again.mof:4:1") != NULL, "%s", s.said);
    p = scene_policy(&s);
    cr_expect(nspolicy_policy_generation(p) == 1);
    cr_expect(nspolicy_policy_requires_encryption(p, "root/MyNamespace") == 0);
    nspolicy_policy_unref(p);
    scene_fini(&s);
}

Test(compiler, a_file_answers_as_the_documented_method_does)
{
    static const struct {
        const char *text;
        int32_t options, result;
    } rows[] = {
        {CLASS_TEXT, 0, NSPOLICY_S_NO_AUTORECOVER},
        {CLASS_TEXT, WBEM_FLAG_DONT_ADD_TO_LIST, WBEM_S_NO_ERROR},
        {CLASS_TEXT, WBEM_FLAG_CHECK_ONLY, WBEM_S_NO_ERROR},
        {"#pragma autorecover\n" CLASS_TEXT, 0, WBEM_S_NO_ERROR},
        {"class {", 0, WBEM_S_FALSE},
        {"class {", WBEM_FLAG_CHECK_ONLY, WBEM_S_FALSE},
    };
    struct scene s;

    scene_init(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int32_t r = compile_file(&s, scene_file(&s, "t.mof", rows[i].text),
                                 rows[i].options);

        cr_expect(r == rows[i].result, "row %zu: %d, %s", i, r, s.said);
    }
    cr_expect(nspolicy_compile_file(
                  s.compiler, scene_file(&s, "t.mof", CLASS_TEXT), NULL, NULL,
                  NULL, NULL, 0, 0, 0, NULL) == NSPOLICY_S_NO_AUTORECOVER);
    scene_fini(&s);
}

Test(compiler, files_are_remembered_as_the_flags_say)
{
    static const char said[] = "#pragma autorecover\n" CLASS_TEXT;
    static const struct {
        const char *text;
        int32_t options;
        bool listed;
    } rows[] = {
        {CLASS_TEXT, 0, false},
        {CLASS_TEXT, WBEM_FLAG_AUTORECOVER, true},
        {said, 0, true},
        {said, WBEM_FLAG_DONT_ADD_TO_LIST, false},
        {said, WBEM_FLAG_CHECK_ONLY, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        char list[400];

        scene_init(&s);
        snprintf(list, sizeof(list), "%s/autorecover.list", s.dir);
        cr_expect(compile_file(&s, scene_file(&s, "t.mof", rows[i].text),
                               rows[i].options) != WBEM_S_FALSE,
                  "row %zu: %s", i, s.said);
        cr_expect((access(list, F_OK) == 0) == rows[i].listed, "row %zu", i);
        cr_expect(scene_compile(&s, said) == 0);
        cr_expect((access(list, F_OK) == 0) == rows[i].listed,
                  "row %zu: a buffer", i);
        if (rows[i].listed) {
            char *text = test_read_file(list, NULL);

            cr_expect(strstr(text, "t.mof") != NULL, "%s", text);
            free(text);
        }
        scene_fini(&s);
    }
}

Test(compiler, a_check_looks_at_syntax_and_at_no_state)
{
    struct scene s;
    struct nspolicy_compiler *c;
    WBEM_COMPILE_STATUS_INFO info;

    scene_init(&s);
    cr_expect(compile_file(&s,
                           scene_file(&s, "t.mof", "class A : Missing { };"),
                           WBEM_FLAG_CHECK_ONLY) == WBEM_S_NO_ERROR);
    cr_expect(nspolicy_compiler_outcome(s.compiler) == NSPOLICY_NOTHING);
    cr_assert(nspolicy_compiler_new(NULL, &c, NULL) == 0);
    cr_expect(nspolicy_compile_file(
                  c, scene_file(&s, "t.mof", CLASS_TEXT), NULL, NULL, NULL,
                  NULL, WBEM_FLAG_CHECK_ONLY, 0, 0, &info) == WBEM_S_NO_ERROR);
    nspolicy_compiler_free(c);
    cr_expect(files_in(s.dir) == 3);
    scene_fini(&s);
}

Test(compiler, files_of_one_call_are_one_transaction)
{
    const char *names[2];
    char first[400];
    struct scene s;

    scene_init(&s);
    snprintf(first, sizeof(first), "%s", scene_file(&s, "a.mof", CLASS_TEXT));
    names[0] = first;
    names[1] = scene_file(&s, "b.mof", THREE_LINES("maybe"));
    cr_expect(nspolicy_compile_files(s.compiler, 2, names, NULL, 0, 0, 0,
                                     &s.info) == WBEM_S_FALSE);
    cr_expect(strstr(nspolicy_compiler_error(s.compiler)->text, "b.mof") !=
              NULL);
    names[1] = scene_file(&s, "b.mof", THREE_LINES("TRUE"));
    cr_expect(nspolicy_compile_files(s.compiler, 2, names, NULL,
                                     WBEM_FLAG_DONT_ADD_TO_LIST, 0, 0,
                                     &s.info) == WBEM_S_NO_ERROR,
              "%s", s.said);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 1);
    scene_fini(&s);
}

Test(compiler, the_namespace_argument_is_where_a_text_begins)
{
    static const char text[] = "class C { };";
    struct scene s;
    struct nspolicy_policy *p;

    scene_init(&s);
    cr_expect(nspolicy_compile_buffer(s.compiler, sizeof(text) - 1, text,
                                      "\\\\.\\ROOT\\Here", NULL, NULL, NULL, 0,
                                      0, 0, &s.info) == 0,
              "%s", s.said);
    cr_expect(scene_compile(&s, text) == 0);
    p = scene_policy(&s);
    cr_expect(nspolicy_policy_requires_encryption(p, "root/here") == 0);
    cr_expect(nspolicy_policy_requires_encryption(p, "root/default") == 0);
    nspolicy_policy_unref(p);
    scene_fini(&s);
}

Test(compiler, includes_come_from_the_directories_given)
{
    struct scene s;
    char path[400];

    scene_init(&s);
    snprintf(path, sizeof(path), "%s/inc", s.dir);
    cr_assert(mkdir(path, 0755) == 0);
    scene_file(&s, "inc/class.mof", CLASS_TEXT);
    cr_expect(scene_compile(&s, "#pragma include(\"class.mof\")\n") ==
              WBEM_S_FALSE);
    cr_assert(nspolicy_compiler_add_include(s.compiler, path) == 0);
    cr_expect(scene_compile(&s, "#pragma include(\"class.mof\")\n") == 0, "%s",
              s.said);
    scene_fini(&s);
}

Test(compiler, settings_have_ranges_and_hold)
{
    static const struct {
        enum nspolicy_setting setting;
        int64_t value;
        int result;
    } rows[] = {
        {NSPOLICY_STRICT, 0, 0},           {NSPOLICY_STRICT, 1, 0},
        {NSPOLICY_STRICT, 2, -1},          {NSPOLICY_CREATE, -1, -1},
        {NSPOLICY_MAX_ERRORS, 0, -1},      {NSPOLICY_MAX_ERRORS, 1000001, -1},
        {NSPOLICY_MAX_ERRORS, 2, 0},       {NSPOLICY_WAIT_MS, 0, -1},
        {NSPOLICY_WAIT_MS, 3600001, -1},   {NSPOLICY_WAIT_MS, 1, 0},
        {(enum nspolicy_setting)0, 1, -1}, {(enum nspolicy_setting)99, 1, -1},
    };
    struct scene s;

    scene_init(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect(nspolicy_compiler_set(s.compiler, rows[i].setting,
                                        rows[i].value) == rows[i].result,
                  "row %zu", i);
    cr_expect(scene_compile(&s, "%\n%\n%\n%\n") == WBEM_S_FALSE);
    cr_expect(s.diagnostics == 3 && strstr(s.said, "stopped after 2") != NULL,
              "%s", s.said);
    /* Strict: a namespace is not made by being named. */
    cr_expect(scene_compile(&s, CLASS_TEXT) == WBEM_S_FALSE);
    expect_info(&s, 3, 0x8004100E, 0, 1, 1);
    scene_fini(&s);
}

#define SUB "#pragma namespace(\"root\\\\MyNamespace\\\\sub\")\nclass B { };\n"

Test(compiler, children_in_the_clear_are_warned_of_as_is_wished)
{
    static const struct {
        enum nspolicy_warning_setting setting;
        int32_t result;
        const char *said;
    } rows[] = {
        {NSPOLICY_WARNING_ON, 0, "warning 0 0x00000000 buffer:2:1: "},
        {NSPOLICY_WARNING_OFF, 0, NULL},
        {NSPOLICY_WARNING_ERROR, WBEM_S_FALSE, "error 3 0x8004100E "},
    };
    struct scene s;

    scene_init(&s);
    cr_expect(nspolicy_compiler_set_warning(s.compiler, "no-such-class",
                                            NSPOLICY_WARNING_ON) < 0);
    cr_expect(nspolicy_compiler_set_warning(
                  s.compiler, "all", (enum nspolicy_warning_setting)0) < 0);
    cr_expect(nspolicy_compiler_set_warning(s.compiler, NULL,
                                            NSPOLICY_WARNING_ON) < 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(scene_compile(&s, CLASS_TEXT SUB THREE_LINES("FALSE")) == 0,
                  "%s", s.said);
        cr_assert(nspolicy_compiler_set_warning(
                      s.compiler, "unencrypted-child", rows[i].setting) == 0);
        cr_expect(scene_compile(&s, THREE_LINES("TRUE")) == rows[i].result);
        cr_expect(rows[i].said == NULL ? s.said[0] == '\0'
                                       : strncmp(s.said, rows[i].said,
                                                 strlen(rows[i].said)) == 0,
                  "row %zu: %s", i, s.said);
        cr_expect((nspolicy_compiler_outcome(s.compiler) ==
                   NSPOLICY_IN_PLACE) == (rows[i].result == 0));
    }
    expect_info(&s, 3, 0x8004100E, 1, 2, 3);
    scene_fini(&s);
}

static void
keep(void *arg, const struct nspolicy_diagnostic *d)
{
    struct scene *s = arg;

    snprintf(s->said + strlen(s->said), 400, "%s|%d|%u:%u-%u:%u|%s|%s@%u\n",
             d->warning != NULL ? d->warning : "-", d->is_detail, d->line,
             d->column, d->end_line, d->end_column,
             d->source != NULL ? d->source : "-",
             d->included_file != NULL ? strrchr(d->included_file, '/') : "-",
             d->included_line);
}

Test(compiler, a_diagnostic_has_range_class_detail_and_who_included_it)
{
    struct scene s;
    const char *path;

    scene_init(&s);
    nspolicy_compiler_on_diagnostic(s.compiler, keep, &s);
    scene_file(&s, "inner.mof",
               "#pragma strange(\"x\")\n"
               "class Twice { string a; string a; };\n");
    path = scene_file(&s, "outer.mof", "\n#pragma include(\"inner.mof\")\n");
    cr_expect(compile_file(&s, path, 0) == WBEM_S_FALSE);
    cr_expect(strstr(s.said, "unknown-pragma|0|1:9-1:16|#pragma strange"
                             "(\"x\")|/outer.mof@2\n") != NULL,
              "%s", s.said);
    cr_expect(strstr(s.said, "-|0|2:32-2:33|class Twice") != NULL, "%s",
              s.said);
    cr_expect(strstr(s.said, "-|1|2:22-2:23|class Twice") != NULL, "%s",
              s.said);
    scene_fini(&s);
}

/* The flags do what mofcomp's switches do (docs/repository.md). */
Test(compiler, safe_and_force_mode_reach_the_repository)
{
    static const char change[] = "#pragma namespace(\"root\\\\MyNamespace\")\n"
                                 "class My_Class { [key] string Name; "
                                 "uint8 More; };\n";
    static const struct {
        int32_t flags;
        bool refused;
    } rows[] = {
        {0, true}, /* it has a subclass */
        {WBEM_FLAG_UPDATE_SAFE_MODE, false},
        {WBEM_FLAG_UPDATE_FORCE_MODE, false},
        {WBEM_FLAG_UPDATE_ONLY | WBEM_FLAG_UPDATE_SAFE_MODE, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        int32_t r;

        scene_init(&s);
        cr_assert(scene_compile(&s, CLASS_TEXT
                                "class My_Sub : My_Class { };\n") == 0,
                  "%s", s.said);
        r = nspolicy_compile_file(
            s.compiler, scene_file(&s, "change.mof", change), NULL, NULL, NULL,
            NULL, WBEM_FLAG_DONT_ADD_TO_LIST, rows[i].flags, 0, &s.info);
        cr_expect((r == WBEM_S_FALSE) == rows[i].refused, "row %zu: %s", i,
                  s.said);
        cr_expect(
            nspolicy_compiler_count(s.compiler, NSPOLICY_CLASSES_UPDATED) ==
                (rows[i].refused ? 0 : 1),
            "row %zu: %s", i, s.said);
        scene_fini(&s);
    }
}

Test(compiler, binary_made_of_a_text_compiles_to_the_same_policy)
{
    struct scene s;
    struct nspolicy_compiler *writer;
    struct nspolicy_policy *p;
    WBEM_COMPILE_STATUS_INFO info;
    char bmof[400], *bytes;
    const char *text;
    size_t size;

    scene_init(&s);
    snprintf(bmof, sizeof(bmof), "%s/t.bmf", s.dir);
    text = scene_file(&s, "t.mof", CLASS_TEXT THREE_LINES("TRUE"));
    cr_assert(nspolicy_compiler_new(NULL, &writer, NULL) == 0);
    cr_assert(nspolicy_create_bmof(writer, text, bmof, NULL, 0, 0, 0, &info) ==
                  WBEM_S_NO_ERROR,
              "%s", nspolicy_compiler_error(writer)->text);
    cr_expect(nspolicy_compiler_outcome(writer) == NSPOLICY_NOTHING);
    nspolicy_compiler_free(writer);
    bytes = test_read_file(bmof, &size);
    cr_expect(memcmp(bytes, "FOMB", 4) == 0);
    cr_expect(nspolicy_compile_buffer(s.compiler, (int32_t)size, bytes, NULL,
                                      NULL, NULL, NULL, 0, 0, 0,
                                      &s.info) == WBEM_S_NO_ERROR,
              "%s", s.said);
    p = scene_policy(&s);
    cr_expect(nspolicy_policy_requires_encryption(p, "root\\MyNamespace") ==
              1);
    nspolicy_policy_unref(p);
    cr_expect(compile_file(&s, bmof, WBEM_FLAG_DONT_ADD_TO_LIST) ==
              WBEM_S_NO_ERROR);
    cr_expect(
        nspolicy_compiler_count(s.compiler, NSPOLICY_CLASSES_UNCHANGED) == 1);
    /* Cut off, it is an error without lines. */
    cr_expect(nspolicy_compile_buffer(s.compiler, (int32_t)size / 2, bytes,
                                      NULL, NULL, NULL, NULL, 0, 0, 0,
                                      &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError == 1 && s.info.FirstLine == 0);
    free(bytes);
    scene_fini(&s);
}

Test(compiler, what_a_binary_cannot_hold_is_refused_with_its_place)
{
    struct scene s;
    char bmof[400];

    scene_init(&s);
    snprintf(bmof, sizeof(bmof), "%s/t.bmf", s.dir);
    cr_expect(nspolicy_create_bmof(
                  s.compiler,
                  scene_file(&s, "t.mof",
                             "class A { };\n"
                             "#pragma deleteclass(\"A\", NOFAIL)\n"),
                  bmof, NULL, 0, 0, 0, &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError != 0 && s.info.FirstLine == 2, "%s", s.said);
    cr_expect(strstr(s.said, "t.mof:2:") != NULL, "%s", s.said);
    cr_expect(access(bmof, F_OK) < 0);
    scene_fini(&s);
}

static void
call_again(void *arg, const struct nspolicy_diagnostic *d)
{
    struct scene *s = arg;
    WBEM_COMPILE_STATUS_INFO info;

    (void)d;
    s->diagnostics++;
    cr_expect(nspolicy_compile_buffer(s->compiler, 0, NULL, NULL, NULL, NULL,
                                      NULL, 0, 0, 0, &info) == WBEM_S_FALSE);
    cr_expect(info.lPhaseError == 2 && info.hRes == (int32_t)0x80041016);
}

Test(compiler, a_callback_may_not_begin_another_compile)
{
    struct scene s;

    scene_init(&s);
    nspolicy_compiler_on_diagnostic(s.compiler, call_again, &s);
    cr_expect(scene_compile(&s, "class {") == WBEM_S_FALSE);
    cr_expect(s.diagnostics > 0);
    cr_expect(s.info.lPhaseError == 1);
    nspolicy_compiler_on_diagnostic(s.compiler, NULL, NULL);
    cr_expect(scene_compile(&s, CLASS_TEXT) == 0);
    scene_fini(&s);
}

static void
waited(void *arg)
{
    *(int *)arg += 1;
}

Test(compiler, who_waits_too_long_is_told_and_has_changed_nothing)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct scene s;
    char path[400];
    int fd, told = 0;

    scene_init(&s);
    cr_assert(scene_compile(&s, CLASS_TEXT) == 0);
    snprintf(path, sizeof(path), "%s/repository.lock", s.dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0);
    nspolicy_compiler_on_waiting(s.compiler, waited, &told);
    cr_assert(nspolicy_compiler_set(s.compiler, NSPOLICY_WAIT_MS, 50) == 0);
    cr_expect(scene_compile(&s, THREE_LINES("TRUE")) == WBEM_S_FALSE);
    expect_info(&s, 3, 0x80041045, 0, 0, 0);
    cr_expect(told == 1);
    close(fd);
    cr_expect(scene_compile(&s, THREE_LINES("TRUE")) == 0);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 2);
    scene_fini(&s);
}

Test(compiler, a_state_directory_that_cannot_be_is_an_error_of_the_store)
{
    static const struct {
        const char *command; /* run in an empty directory */
        const char *name;
        uint32_t code;
    } rows[] = {
        {"true", "missing", 0x80041002},
        {"touch file", "file", 0x80041002},
        {"mkdir open; chmod 0777 open", "open", 0x80041001},
        {"mkdir bad; echo nonsense > bad/repository.db", "bad", 0x80041001},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct nspolicy_compiler *c;
        WBEM_COMPILE_STATUS_INFO info;
        char path[400];

        snprintf(path, sizeof(path), "%s", test_directory());
        test_shell("cd %s && %s", path, rows[i].command);
        snprintf(path + strlen(path), 100, "/%s", rows[i].name);
        cr_assert(nspolicy_compiler_new(path, &c, NULL) == 0);
        cr_expect(nspolicy_compile_buffer(c, 12, "class C { };", NULL, NULL,
                                          NULL, NULL, 0, 0, 0,
                                          &info) == WBEM_S_FALSE);
        cr_expect(info.lPhaseError == 3 && info.hRes == (int32_t)rows[i].code,
                  "%s: %d 0x%08X", path, info.lPhaseError,
                  (unsigned)info.hRes);
        cr_expect(strstr(nspolicy_compiler_error(c)->text, path) != NULL, "%s",
                  nspolicy_compiler_error(c)->text);
        nspolicy_compiler_free(c);
    }
}

/* Whatever stands where the image goes: the repository is ahead then. */
Test(compiler, an_image_that_cannot_be_put_in_place_is_stored_and_said)
{
    struct scene s;

    scene_init(&s);
    test_shell("mkdir -p %s/policy.image/x", s.dir);
    cr_expect(scene_compile(&s, CLASS_TEXT) == WBEM_S_FALSE);
    cr_expect(nspolicy_compiler_outcome(s.compiler) == NSPOLICY_STORED);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 1);
    cr_expect(s.info.lPhaseError == 3);
    test_shell("rm -r %s/policy.image", s.dir);
    cr_expect(scene_compile(&s, CLASS_TEXT) == 0, "%s", s.said);
    cr_expect(nspolicy_compiler_generation(s.compiler) == 2);
    scene_fini(&s);
}

static size_t
open_descriptors(void)
{
    return files_in("/proc/self/fd");
}

Test(compiler, no_way_out_leaves_a_descriptor_open)
{
    static const char *const texts[] = {CLASS_TEXT, THREE_LINES("TRUE"),
                                        "class {", "class B : None { };",
                                        "#pragma deleteclass(\"None\", FAIL)"};
    size_t before = open_descriptors();

    for (int round = 0; round < 3; round++) {
        struct scene s;

        scene_init(&s);
        for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
            scene_compile(&s, texts[i]);
        compile_file(&s, "/nonexistent/file.mof", 0);
        compile_file(&s, s.dir, 0);
        scene_fini(&s);
    }
    cr_expect(open_descriptors() == before);
}
