#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/policy/library/scene.h"

SUITE(arguments);

/* One call of each function with what the row says; the rest is right. */
struct arguments {
    const char *file, *namespace, *user, *authority;
    int32_t options, classes, instances;
    uint32_t code; /* 0: it is done */
};

static const char file[] = "t.mof";

static const struct arguments file_rows[] = {
    {file, NULL, NULL, NULL, 0, 0, 0, 0},
    {file, "root\\x", NULL, NULL, 0, 0, 0, 0},
    {file, "root\\x", "user", "Kerberos:x", 0, 0, 0, 0},
    {file, NULL, "domain\\user", NULL, 0, 0, 0, 0},
    {file, NULL, "domain\\user", "Kerberos:x", 0, 0, 0, 0x80041008},
    {NULL, NULL, NULL, NULL, 0, 0, 0, 0x80041008},
    {"", NULL, NULL, NULL, 0, 0, 0, 0x80041008},
    {file, "", NULL, NULL, 0, 0, 0, 0x8004100E},
    {file, "root\\\\x", NULL, NULL, 0, 0, 0, 0x8004100E},
    {file, "cimv2", NULL, NULL, 0, 0, 0, 0x8004100E},
    {file, "\\\\other\\root", NULL, NULL, 0, 0, 0, 0x8004401C},
    /* options */
    {file, NULL, NULL, NULL, WBEM_FLAG_WMI_CHECK, 0, 0, 0x80041008},
    {file, NULL, NULL, NULL, 0x20, 0, 0, 0x80041008},
    {file, NULL, NULL, NULL, -1, 0, 0, 0x80041008},
    {file, NULL, NULL, NULL,
     WBEM_FLAG_AUTORECOVER | WBEM_FLAG_DONT_ADD_TO_LIST, 0, 0, 0x80041008},
    {file, "root\\x", NULL, NULL, WBEM_FLAG_AUTORECOVER, 0, 0, 0x80041008},
    {file, NULL, NULL, NULL, WBEM_FLAG_AUTORECOVER, WBEM_FLAG_UPDATE_ONLY, 0,
     0x80041008},
    {file, NULL, NULL, NULL, WBEM_FLAG_AUTORECOVER, 0, WBEM_FLAG_UPDATE_ONLY,
     0x80041008},
    /* classes */
    {file, NULL, NULL, NULL, 0, WBEM_FLAG_CREATE_ONLY, 0, 0},
    {file, NULL, NULL, NULL, 0, WBEM_FLAG_UPDATE_ONLY, 0, 0x80041002},
    {file, NULL, NULL, NULL, 0, WBEM_FLAG_UPDATE_SAFE_MODE, 0, 0},
    {file, NULL, NULL, NULL, 0,
     WBEM_FLAG_UPDATE_ONLY | WBEM_FLAG_UPDATE_SAFE_MODE, 0, 0x80041002},
    {file, NULL, NULL, NULL, 0, WBEM_FLAG_CREATE_ONLY | WBEM_FLAG_UPDATE_ONLY,
     0, 0x80041008},
    {file, NULL, NULL, NULL, 0,
     WBEM_FLAG_CREATE_ONLY | WBEM_FLAG_UPDATE_SAFE_MODE, 0, 0x80041008},
    {file, NULL, NULL, NULL, 0,
     WBEM_FLAG_UPDATE_SAFE_MODE | WBEM_FLAG_UPDATE_FORCE_MODE, 0, 0x80041008},
    {file, NULL, NULL, NULL, 0, 0x4, 0, 0x80041008},
    /* instances */
    {file, NULL, NULL, NULL, 0, 0, WBEM_FLAG_CREATE_ONLY, 0},
    {file, NULL, NULL, NULL, 0, 0, WBEM_FLAG_UPDATE_ONLY, 0x80041002},
    {file, NULL, NULL, NULL, 0, 0,
     WBEM_FLAG_CREATE_ONLY | WBEM_FLAG_UPDATE_ONLY, 0x80041008},
    {file, NULL, NULL, NULL, 0, 0, WBEM_FLAG_UPDATE_SAFE_MODE, 0x80041008},
};

static const char text[] = "class C { [key] string k; };\n"
                           "instance of C { k = \"\"; };\n";

static bool
is_argument(uint32_t code)
{
    return code == 0x80041008 || code == 0x8004100E || code == 0x8004401C;
}

Test(arguments, of_a_file_follow_the_documented_rules)
{
    struct scene s;

    scene_init(&s);
    for (size_t i = 0; i < ARRAY_COUNT(file_rows); i++) {
        const struct arguments *a = &file_rows[i];
        const char *path = a->file;
        int32_t r;

        test_shell("rm -f %s/*", s.dir);
        if (a->file == file)
            path = scene_file(&s, file, text);
        r = nspolicy_compile_file(s.compiler, path, a->namespace, a->user,
                                  a->authority, "secret", a->options,
                                  a->classes, a->instances, &s.info);
        cr_expect((r == WBEM_S_FALSE) == (a->code != 0), "row %zu: %d %s", i,
                  r, nspolicy_compiler_error(s.compiler)->text);
        cr_expect(s.info.hRes == (int32_t)a->code, "row %zu: 0x%08X %s", i,
                  (unsigned)s.info.hRes,
                  nspolicy_compiler_error(s.compiler)->text);
        cr_expect((s.info.lPhaseError == 2) == is_argument(a->code),
                  "row %zu: phase %d", i, s.info.lPhaseError);
        cr_expect(s.info.lPhaseError != 2 ||
                  nspolicy_compiler_error(s.compiler)->text[0] != '\0');
    }
    scene_fini(&s);
}

Test(arguments, of_a_buffer_follow_the_documented_rules)
{
    static const char binary[] = "FOMB\1\0\0\0";
    static const struct {
        int32_t size;
        const char *buffer, *namespace;
        int32_t options, classes, instances;
        bool refused;
    } rows[] = {
        {sizeof(text) - 1, text, NULL, 0, 0, 0, false},
        {sizeof(text) - 1, text, "root\\x", 0, 0, 0, false},
        {0, NULL, NULL, 0, 0, 0, false},
        {0, text, NULL, 0, 0, 0, false},
        {1, NULL, NULL, 0, 0, 0, true},
        {-1, text, NULL, 0, 0, 0, true},
        {sizeof(text) - 1, text, NULL, 0, WBEM_FLAG_CREATE_ONLY, 0, true},
        {sizeof(text) - 1, text, NULL, 0, 0, WBEM_FLAG_CREATE_ONLY, true},
        {sizeof(text) - 1, text, NULL, WBEM_FLAG_AUTORECOVER, 0, 0, true},
        {sizeof(text) - 1, text, NULL, WBEM_FLAG_WMI_CHECK, 0, 0, true},
        {sizeof(binary) - 1, binary, "root\\x", 0, 0, 0, true},
    };
    struct scene s;

    scene_init(&s);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int32_t r = nspolicy_compile_buffer(
            s.compiler, rows[i].size, rows[i].buffer, rows[i].namespace, NULL,
            NULL, NULL, rows[i].options, rows[i].classes, rows[i].instances,
            &s.info);

        cr_expect((r == WBEM_S_FALSE) == rows[i].refused, "row %zu: %d %s", i,
                  r, nspolicy_compiler_error(s.compiler)->text);
        cr_expect(s.info.lPhaseError == (rows[i].refused ? 2 : 0), "row %zu",
                  i);
        cr_expect(s.info.hRes == (rows[i].refused ? (int32_t)0x80041008 : 0),
                  "row %zu", i);
    }
    scene_fini(&s);
}

/* A buffer is as long as it is said to be, whatever stands behind. */
Test(arguments, a_buffer_needs_no_nul)
{
    static const char longer[] = "class C { };garbage {";
    struct scene s;

    scene_init(&s);
    cr_expect(nspolicy_compile_buffer(s.compiler, 12, longer, NULL, NULL, NULL,
                                      NULL, 0, 0, 0, &s.info) == 0,
              "%s", s.said);
    scene_fini(&s);
}

Test(arguments, several_files_need_names)
{
    const char *names[] = {"/nonexistent/a.mof", NULL};
    struct scene s;

    scene_init(&s);
    cr_expect(nspolicy_compile_files(s.compiler, 2, names, NULL, 0, 0, 0,
                                     &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError == 2);
    cr_expect(nspolicy_compile_files(s.compiler, 0, names, NULL, 0, 0, 0,
                                     &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError == 2);
    cr_expect(nspolicy_compile_files(s.compiler, 1, NULL, NULL, 0, 0, 0,
                                     &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError == 2);
    /* A name that is given and leads nowhere is another matter. */
    cr_expect(nspolicy_compile_files(s.compiler, 1, names, NULL, 0, 0, 0,
                                     &s.info) == WBEM_S_FALSE);
    cr_expect(s.info.lPhaseError == 3 && s.info.hRes == (int32_t)0x80041001,
              "%d", s.info.lPhaseError);
    scene_fini(&s);
}

Test(arguments, of_a_binary_follow_the_documented_rules)
{
    static const struct {
        const char *text, *bmof, *namespace;
        int32_t options, classes, instances;
        uint32_t code;
    } rows[] = {
        {file, "t.bmf", NULL, 0, 0, 0, 0},
        {file, "t.bmf", "root\\x", 0, 0, 0, 0},
        {file, NULL, NULL, WBEM_FLAG_CHECK_ONLY, 0, 0, 0},
        {file, NULL, NULL, 0, 0, 0, 0x80041008},
        {file, "", NULL, 0, 0, 0, 0x80041008},
        {NULL, "t.bmf", NULL, 0, 0, 0, 0x80041008},
        {file, "t.bmf", "\\\\other\\root", 0, 0, 0, 0x8004401C},
        {file, "t.bmf", NULL, WBEM_FLAG_AUTORECOVER, 0, 0, 0x80041008},
        {file, "t.bmf", NULL, WBEM_FLAG_DONT_ADD_TO_LIST, 0, 0, 0x80041008},
        {file, "t.bmf", NULL, 0, 3, 0, 0x80041008},
        {file, "t.bmf", NULL, WBEM_FLAG_WMI_CHECK, 0, 0, 0x8004100C},
        {file, "t.bmf", NULL, 0, WBEM_FLAG_UPDATE_ONLY, 0, 0x8004100C},
        {file, "t.bmf", NULL, 0, 0, WBEM_FLAG_UPDATE_ONLY, 0x8004100C},
        {file, ",aMS_409,nA.mof,lA.mfl", NULL, 0, 0, 0, 0x8004100C},
    };
    struct scene s;
    char bmof[400], path[400];

    scene_init(&s);
    snprintf(path, sizeof(path), "%s", scene_file(&s, file, text));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int32_t r;

        snprintf(bmof, sizeof(bmof), "%s/t.bmf", s.dir);
        r = nspolicy_create_bmof(
            s.compiler, rows[i].text != NULL ? path : NULL,
            rows[i].bmof != NULL && strcmp(rows[i].bmof, "t.bmf") == 0
                ? bmof
                : rows[i].bmof,
            rows[i].namespace, rows[i].options, rows[i].classes,
            rows[i].instances, &s.info);
        cr_expect((r == WBEM_S_FALSE) == (rows[i].code != 0), "row %zu: %s", i,
                  nspolicy_compiler_error(s.compiler)->text);
        cr_expect(s.info.hRes == (int32_t)rows[i].code, "row %zu: 0x%08X", i,
                  (unsigned)s.info.hRes);
        cr_expect(s.info.lPhaseError == (rows[i].code != 0 ? 2 : 0), "row %zu",
                  i);
        cr_expect((access(bmof, F_OK) == 0) ==
                      (rows[i].code == 0 && rows[i].options == 0),
                  "row %zu", i);
        unlink(bmof);
    }
    scene_fini(&s);
}

Test(arguments, without_a_compiler_or_a_state_are_refused)
{
    struct nspolicy_compiler *c;
    WBEM_COMPILE_STATUS_INFO info;

    cr_expect(nspolicy_compile_buffer(NULL, 0, NULL, NULL, NULL, NULL, NULL, 0,
                                      0, 0, &info) == WBEM_S_FALSE);
    cr_expect(info.lPhaseError == 2 && info.hRes == (int32_t)0x80041008);
    cr_assert(nspolicy_compiler_new(NULL, &c, NULL) == 0);
    cr_expect(nspolicy_compile_buffer(c, 0, NULL, NULL, NULL, NULL, NULL, 0, 0,
                                      0, &info) == WBEM_S_FALSE);
    cr_expect(info.lPhaseError == 2 && info.hRes == (int32_t)0x80041008);
    nspolicy_compiler_free(c);
    nspolicy_compiler_free(NULL);
}

Test(arguments, codes_have_their_published_names)
{
    cr_expect_str_eq(nspolicy_code_symbol((int32_t)0x80044002),
                     "WBEMMOF_E_EXPECTED_SEMI");
    cr_expect_str_eq(nspolicy_code_symbol((int32_t)0x80041008),
                     "WBEM_E_INVALID_PARAMETER");
    cr_expect(nspolicy_code_symbol(1) == NULL);
}
