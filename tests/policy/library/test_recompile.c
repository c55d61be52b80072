/* What a second compile creates, updates, leaves alone and refuses: the table
 * of docs/repository.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/decision/decision.h"
#include "policy/library/library.h"
#include "tests/support/support.h"

SUITE(recompile);

#define IN_T "#pragma namespace(\"\\\\\\\\.\\\\root\\\\t\")\n"

static char dir[256];
static struct repository_change change;
static struct buf notes;

/* An empty state directory. */
static void
fresh(void)
{
    static const char *top;
    static unsigned count;

    if (top == NULL)
        top = test_directory();
    snprintf(dir, sizeof(dir), "%s/%u", top, count++);
    cr_assert(mkdir(dir, 0750) == 0);
    buf_reset(&notes);
}

static void
teardown(void)
{
    buf_fini(&notes);
}

#define RECOMPILE_TEST(name)                                                  \
    Test(recompile, name, .init = fresh, .fini = teardown)

static void
add_note(void *arg, const struct mof_statement *st, const char *text)
{
    (void)st;
    buf_addf(arg, "%s\n", text);
}

/* 0, or the code it was refused with. */
static uint32_t
compile_with(const char *text, unsigned class_change, unsigned instance_change)
{
    const struct policy_compile_options options = {
        .state_dir = dir,
        .mof = {.create = true},
        .apply = {.class_change = class_change,
                  .instance_change = instance_change,
                  .note = add_note,
                  .note_arg = &notes}};
    struct buf source = BUF_INIT;
    struct policy_compile *c;
    struct error err = {0};
    int r;

    buf_addf(&source, IN_T "%s", text);
    cr_assert(policy_compile_open(&options, &c, &err) == 0, "%s", err.text);
    mof_compile_buffer(policy_compile_mof(c), "t.mof", source.data,
                       source.length);
    r = policy_compile_check(c, &err);
    if (r != 0)
        mof_diagnostics_print(policy_compile_mof(c), stderr);
    cr_assert(r == 0, "%s: %s", err.text, text);
    r = policy_compile_prepare(c, &err);
    cr_assert(r >= 0, "%s", err.text);
    change = *policy_compile_change(c);
    if (r == 0)
        cr_assert(policy_compile_commit(c, &err) == 0, "%s", err.text);
    policy_compile_free(c);
    buf_fini(&source);
    return r == 0 ? 0 : change.failed_code;
}

static void
compile(const char *text)
{
    uint32_t code = compile_with(text, 0, 0);

    cr_assert(code == 0, "0x%08X: %s", code, text);
}

/* -- what is stored --------------------------------------------------------- */

static struct repository *
read_begin(void)
{
    struct repository *repo;
    struct error err = {0};
    uint64_t generation;

    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) == 0, "%s",
              err.text);
    cr_assert(repository_read_begin(repo, &generation, &err) == 0);
    return repo;
}

static void
read_end(struct repository *repo)
{
    repository_read_end(repo);
    repository_close(repo);
}

/* The class as MOF text; "" if there is none. */
static char *
stored_class(const char *name)
{
    struct repository *repo = read_begin();
    struct arena *arena = arena_new();
    struct namespace_path path;
    struct cim_class *c = NULL;
    struct buf text = BUF_INIT;
    struct error err = {0};

    namespace_path_parse(&path, SPAN("root\\t"), NULL);
    cr_assert(repository_class(repo, &path, span_of(name), arena, &c, &err) >=
                  0,
              "%s", err.text);
    if (c != NULL)
        mof_print_class(&text, c);
    arena_free(arena);
    read_end(repo);
    return buf_take(&text);
}

static bool
stored_has(const char *name, const char *part)
{
    char *text = stored_class(name);
    bool has = strstr(text, part) != NULL;

    free(text);
    return has;
}

/* -- classes: the table ----------------------------------------------------- */

#define OLD "class Base { [Key] string Name; uint8 Old; };\n"
#define NEW "class Base { [Key] string Name; uint32 More; };\n"

enum {
    UPDATE = MOF_CHANGE_UPDATE_ONLY,
    CREATE = MOF_CHANGE_CREATE_ONLY,
    SAFE = MOF_CHANGE_UPDATE_SAFE,
    FORCE = MOF_CHANGE_UPDATE_FORCE,
};

static const unsigned flags[] = {
    0, CREATE, UPDATE, SAFE, FORCE, UPDATE | SAFE, UPDATE | FORCE,
};

/* What comes of it. */
enum outcome {
    C = 1,           /* created */
    U,               /* updated */
    S,               /* was so, left alone */
    F,               /* updated, and its subclass made to fit */
    ABSENT = 0x1002, /* the low half of the code it is refused with */
    EXISTS = 0x1019,
    CHILDREN = 0x1025,
    INSTANCES = 0x1026,
};

static const struct class_row {
    const char *state, *before, *compiled;
    int outcomes[ARRAY_COUNT(flags)];
} class_rows[] = {
    {"new", "", NEW, {C, C, ABSENT, C, C, ABSENT, ABSENT}},
    {"the same", NEW, NEW, {S, EXISTS, S, S, S, S, S}},
    {"the same with subclasses and instances",
     NEW "class Child : Base { };\ninstance of Child { Name = \"x\"; };\n",
     NEW,
     {S, EXISTS, S, S, S, S, S}},
    {"another one", OLD, NEW, {U, EXISTS, U, U, U, U, U}},
    {"another one with a subclass that fits",
     OLD "class Child : Base { uint8 Own; };\n",
     NEW,
     {CHILDREN, EXISTS, CHILDREN, U, U, U, U}},
    {"another one with a subclass that contradicts",
     OLD "class Child : Base { string More; };\n",
     NEW,
     {CHILDREN, EXISTS, CHILDREN, CHILDREN, F, CHILDREN, F}},
    {"another one below that, which contradicts",
     OLD "class Middle : Base { };\nclass Child : Middle { string More; };\n",
     NEW,
     {CHILDREN, EXISTS, CHILDREN, CHILDREN, F, CHILDREN, F}},
    {"another one with instances",
     OLD "instance of Base { Name = \"x\"; };\n",
     NEW,
     {INSTANCES, EXISTS, INSTANCES, INSTANCES, INSTANCES, INSTANCES,
      INSTANCES}},
    {"another one with a subclass that has instances",
     OLD "class Child : Base { string More; };\n"
         "instance of Child { Name = \"x\"; };\n",
     NEW,
     {INSTANCES, EXISTS, INSTANCES, INSTANCES, INSTANCES, INSTANCES,
      INSTANCES}},
    {"other words, with subclasses and instances",
     "[Description(\"old\")] class Base { uint32 More; [Key] string Name; };\n"
     "class Child : Base { };\ninstance of Child { Name = \"x\"; };\n",
     "[Description(\"new\")] class base { [Key, Description(\"k\")] string "
     "NAME; uint32 More; };\n",
     {U, EXISTS, U, U, U, U, U}},
};

static void
class_case(const struct class_row *row, size_t column)
{
    int expected = row->outcomes[column];
    uint32_t code;
    char *before, *child_before, *after, *child_after;

    fresh();
    compile(row->before);
    before = stored_class("Base");
    child_before = stored_class("Child");
    code = compile_with(row->compiled, flags[column], 0);
    after = stored_class("Base");
    child_after = stored_class("Child");
    if (expected >= ABSENT) {
        cr_assert(code == 0x80040000u + (uint32_t)expected,
                  "%s, flags 0x%x: 0x%08X", row->state, flags[column], code);
        cr_assert(change.failed_by_flags == (flags[column] != 0));
    } else {
        cr_assert(code == 0, "%s, flags 0x%x: 0x%08X", row->state,
                  flags[column], code);
    }
    cr_assert((strcmp(before, after) != 0) ==
                  (expected < ABSENT && expected != S),
              "%s, flags 0x%x: %s", row->state, flags[column], after);
    cr_assert((strcmp(child_before, child_after) != 0) == (expected == F),
              "%s, flags 0x%x: %s", row->state, flags[column], child_after);
    cr_assert((notes.length > 0) == (expected == F));
    if (expected < ABSENT) {
        cr_assert(change.classes_created == (expected == C));
        cr_assert(change.classes_updated == (size_t)(expected == U   ? 1
                                                     : expected == F ? 2
                                                                     : 0));
        cr_assert(change.classes_unchanged == (expected == S));
    }
    free(before);
    free(child_before);
    free(after);
    free(child_after);
}

RECOMPILE_TEST(each_flag_does_to_each_class_what_the_table_says)
{
    for (size_t r = 0; r < ARRAY_COUNT(class_rows); r++) {
        for (size_t c = 0; c < ARRAY_COUNT(flags); c++)
            class_case(&class_rows[r], c);
    }
}

/* -- what is another class and what only other words ------------------------- */

RECOMPILE_TEST(what_describes_changes_while_there_are_instances)
{
    static const struct {
        const char *class;
        bool words;
    } cases[] = {
        {"[Description(\"d\"), Version(\"2\")] class A { [Key] string K; "
         "uint8 P = 1; uint8 M([In] uint8 I); };",
         true},
        {"class A { uint8 P = 1; [Key] string K; uint8 M([In] uint8 I); };",
         true},
        {"class a { [key] string k; uint8 p = 1; uint8 m([in] uint8 i); };",
         true},
        {"[Abstract] class A { [Key] string K; uint8 P = 1; "
         "uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P = 2; uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P; uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint16 P = 1; uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P[] = {1}; "
         "uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; [Key] uint8 P = 1; "
         "uint8 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P = 1; uint8 M([Out] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P = 1; uint8 M(); };", false},
        {"class A { [Key] string K; uint8 P = 1; uint8 M([In] uint8 J); };",
         false},
        {"class A { [Key] string K; uint8 P = 1; uint16 M([In] uint8 I); };",
         false},
        {"class A { [Key] string K; uint8 P = 1; };", false},
        {"class A { [Key] string K; uint8 P = 1; uint8 M([In] uint8 I); "
         "uint8 N; };",
         false},
        {"class A { [Key] string K; uint8 M([In] uint8 I); };", false},
    };

    compile("class A { [Key] string K; uint8 P = 1; uint8 M([In] uint8 I); };"
            "instance of A { K = \"x\"; };");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t code = compile_with(cases[i].class, FORCE, 0);

        cr_assert(code == (cases[i].words ? 0 : 0x80041026u), "%s: 0x%08X",
                  cases[i].class, code);
    }
}

/* -- what a subclass may contradict ------------------------------------------ */

static const struct {
    const char *before, *now;
    const char *gone; /* of Child, once it was forced; NULL: no conflict */
    const char *note;
} conflicts[] = {
    {"class Base { }; class Child : Base { uint8 P; };",
     "class Base { uint8 P; };", NULL, NULL},
    {"class Base { }; class Child : Base { uint8 P[]; };",
     "class Base { uint8 P; };", "P", "property P out of subclass Child"},
    {"class Base { }; class Child : Base { uint8 M([In] uint8 A); };",
     "class Base { uint8 M([In] uint8 A); };", NULL, NULL},
    {"class Base { }; class Child : Base { uint8 M([In] uint8 A); };",
     "class Base { uint8 M(); };", "M(", "method M out of subclass Child"},
    {"class Base { }; [Mark(\"c\")] class Child : Base { };",
     "[Mark(\"b\") : ToSubclass DisableOverride] class Base { };", "Mark",
     "qualifier Mark out of subclass Child"},
    {"class Base { }; [Mark(\"b\")] class Child : Base { };",
     "[Mark(\"b\") : ToSubclass DisableOverride] class Base { };", NULL, NULL},
    {"class Base { }; [Mark(\"c\")] class Child : Base { };",
     "[Mark(\"b\"), Abstract] class Base { };", NULL, NULL},
    {"class Base { uint8 P; }; class Child : Base { [Mark(1)] uint8 P; };",
     "[Abstract] class Base { [Mark(2) : ToSubclass DisableOverride] uint8 P; "
     "};",
     "Mark", "qualifier Mark out of subclass Child"},
    {"class Base { }; class Child : Base { [Key] string K; };",
     "class Base { [Key] string Name; };", "Key",
     "Key of property K out of subclass Child"},
    {"class Base { }; class Child : Base { [Key] string K; };",
     "class Base { [Key] string K; };", NULL, NULL},
    {"class Base { }; class Child : Base { [Key] string K; };",
     "[Singleton] class Base { };", "Key",
     "Key of property K out of subclass Child"},
};

RECOMPILE_TEST(force_takes_out_of_a_subclass_what_safe_refuses)
{
    for (size_t i = 0; i < ARRAY_COUNT(conflicts); i++) {
        const char *gone = conflicts[i].gone;
        uint32_t code;

        fresh();
        compile(conflicts[i].before);
        code = compile_with(conflicts[i].now, SAFE, 0);
        cr_assert(code == (gone != NULL ? 0x80041025u : 0), "%s: 0x%08X",
                  conflicts[i].now, code);
        if (gone != NULL) {
            cr_assert(stored_has("Child", gone), "%s", conflicts[i].before);
            code = compile_with(conflicts[i].now, FORCE, 0);
            cr_assert(code == 0, "%s: 0x%08X", conflicts[i].now, code);
            cr_assert(!stored_has("Child", gone), "%s", conflicts[i].before);
            cr_assert(notes.length > 0 &&
                          strstr(notes.data, conflicts[i].note) != NULL,
                      "%s", notes.length > 0 ? notes.data : "no note");
        }
    }
}

RECOMPILE_TEST(a_conflict_that_was_there_before_is_none_of_the_update)
{
    compile("class Base { uint8 P; }; class Child : Base { uint8 P; };");
    compile("class Child : Base { uint8 P; uint8 Q; };");
    cr_assert(compile_with("class Base { uint8 P; uint8 R; };", SAFE, 0) == 0);
}

RECOMPILE_TEST(another_superclass_is_another_class)
{
    compile("class Base { }; class Other { uint8 Own; };"
            "class A : Base { }; class Child : A { string Own; };");
    cr_assert(compile_with("class A : Other { };", 0, 0) == 0x80041025);
    cr_assert(compile_with("class A : Other { };", SAFE, 0) == 0x80041025);
    cr_assert(compile_with("class A : Other { };", FORCE, 0) == 0);
    cr_assert(stored_has("A", "Other") && !stored_has("Child", "Own"));
}

/* -- pragmas ----------------------------------------------------------------- */

RECOMPILE_TEST(a_pragma_beats_the_flags_of_the_compile)
{
    static const struct {
        const char *pragma;
        unsigned flags;
        uint32_t code;
    } cases[] = {
        {"", CREATE, 0x80041019},
        {"#pragma classflags(\"updateonly\")\n", CREATE, 0},
        {"#pragma classflags(\"createonly\")\n", 0, 0x80041019},
        {"#pragma ClassFlags(\"CREATEONLY\")\n", UPDATE | FORCE, 0x80041019},
        {"#pragma classflags(\"updateonly\", \"forceupdate\")\n", 0, 0},
        {"#pragma classflags(\"updateonly,safeupdate\")\n", 0, 0},
        {"#pragma classflags(\" updateonly , safeupdate \")\n", 0, 0},
        {"#pragma classflags(64)\n", 0, 0},
        {"#pragma classflags(0x21)\n", 0, 0},
        {"#pragma classflags(2)\n", 0, 0x80041019},
        {"#pragma classflags(0)\n", CREATE, 0},
        {"#pragma classflags(\"createonly\")\n#pragma classflags(0)\n", 0, 0},
        {"#pragma instanceflags(\"createonly\")\n", 0, 0},
    };

    compile("class A { };");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf text = BUF_INIT;
        uint32_t code;

        buf_addf(&text, "%sclass A { };", cases[i].pragma);
        code = compile_with(text.data, cases[i].flags, 0);
        cr_assert(code == cases[i].code, "%s: 0x%08X", cases[i].pragma, code);
        cr_assert(code == 0 || change.failed_by_flags);
        buf_fini(&text);
    }
}

RECOMPILE_TEST(a_pragma_holds_from_where_it_stands)
{
    compile("class A { };");
    cr_assert(compile_with("class A { };\n"
                           "#pragma classflags(\"createonly\")\n"
                           "class B { };",
                           0, 0) == 0);
    cr_assert(change.classes_unchanged == 1 && change.classes_created == 1);
}

/* -- instances --------------------------------------------------------------- */

#define THING "class A { [Key] string K; uint8 P; };\n"
#define X1    "instance of A { K = \"x\"; P = 1; };\n"
#define X2    "instance of A { K = \"x\"; P = 2; };\n"

RECOMPILE_TEST(each_flag_does_to_each_instance_what_the_table_says)
{
    static const unsigned columns[] = {0, CREATE, UPDATE};
    static const struct {
        const char *before, *compiled;
        int outcomes[ARRAY_COUNT(columns)];
    } rows[] = {
        {THING, X1, {C, C, ABSENT}},
        {THING X1, X1, {S, EXISTS, S}},
        {THING X1, X2, {U, EXISTS, U}},
        {"", "instance of __Namespace { Name = \"n\"; };", {0, 0, ABSENT}},
        {"instance of __Namespace { Name = \"n\"; };",
         "instance of __Namespace { Name = \"N\"; };",
         {0, EXISTS, 0}},
        /* Every namespace has this instance: it is never created. */
        {"class A { };",
         "[RequiresEncryption(FALSE)] instance of __SystemSecurity { };",
         {0, 0, 0}},
        {"class A { };",
         "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };",
         {0, EXISTS, 0}},
        {"class A { };",
         "#pragma namespace(\"root\\\\u\")\n class A { };\n"
         "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };",
         {0, 0, 0}},
    };

    for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
        for (size_t c = 0; c < ARRAY_COUNT(columns); c++) {
            int expected = rows[r].outcomes[c];
            uint32_t code;

            fresh();
            compile(rows[r].before);
            code = compile_with(rows[r].compiled, 0, columns[c]);
            cr_assert(
                code == (expected >= ABSENT ? 0x80040000u + (uint32_t)expected
                                            : 0),
                "%s, flags 0x%x: 0x%08X", rows[r].compiled, columns[c], code);
            cr_assert(code == 0 || change.failed_by_flags);
            cr_assert(change.instances_created == (expected == C));
            cr_assert(change.instances_updated == (expected == U));
            cr_assert(change.instances_unchanged == (expected == S));
        }
    }
}

static bool
collect_p(void *arg, int64_t row, struct span key,
          const struct cim_instance *instance)
{
    const struct cim_property *p = cim_instance_property(instance, SPAN("p"));

    (void)row;
    buf_addf(arg, "%.*s=%d ", (int)key.length, key.data,
             p != NULL && p->has_value ? (int)p->value.one.uint : -1);
    return true;
}

static void
assert_instances(const char *expected)
{
    struct repository *repo = read_begin();
    struct namespace_path path;
    struct buf got = BUF_INIT;
    struct error err = {0};

    namespace_path_parse(&path, SPAN("root\\t"), NULL);
    cr_assert(repository_instances(repo, &path, SPAN("A"), 0, 100, collect_p,
                                   &got, &err) == 0);
    cr_assert_str_eq(got.length > 0 ? got.data : "", expected);
    buf_fini(&got);
    read_end(repo);
}

RECOMPILE_TEST(an_instance_is_replaced_as_a_whole)
{
    compile(THING X1);
    compile("instance of A { K = \"x\"; };");
    assert_instances("k=\"x\"=-1 ");
}

RECOMPILE_TEST(deletes_go_in_the_order_of_the_text)
{
    static const struct {
        const char *text;
        uint32_t code;
        const char *left;
    } cases[] = {
        {"#pragma deleteinstance(\"A.K=\\\"y\\\"\", NOFAIL)\n", 0,
         "k=\"x\"=1 "},
        {"#pragma deleteinstance(\"A.K=\\\"y\\\"\", fail)\n", 0x80041002,
         "k=\"x\"=1 "},
        {X2 "#pragma deleteinstance(\"A.K=\\\"y\\\"\", FAIL)\n", 0x80041002,
         "k=\"x\"=1 "},
        {"#pragma deleteinstance(\"A=\\\"x\\\"\", FAIL)\n" X2, 0,
         "k=\"x\"=2 "},
        {"#pragma deleteinstance(\"a.k=\\\"x\\\"\", FAIL)\n", 0, ""},
        {X1 "#pragma deleteclass(\"A\", FAIL)\n" THING, 0, ""},
        {X1 "#pragma deleteclass(\"B\", NOFAIL)\n", 0, "k=\"x\"=1 "},
        {X2 "#pragma deleteclass(\"B\", FAIL)\n", 0x80041002, "k=\"x\"=1 "},
    };

    compile(THING X1);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t code = compile_with(cases[i].text, CREATE, 0);

        cr_assert(code == cases[i].code, "%s: 0x%08X", cases[i].text, code);
        cr_assert(!change.failed_by_flags);
        assert_instances(cases[i].left);
    }
}

RECOMPILE_TEST(a_path_by_a_class_above_deletes_the_instance_below)
{
    compile(THING "class B : A { };\ninstance of B { K = \"x\"; P = 1; };");
    cr_assert(compile_with("#pragma deleteinstance(\"A.K=\\\"x\\\"\", FAIL)\n",
                           0, 0) == 0);
    assert_instances("");
}
