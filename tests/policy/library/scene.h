#ifndef TESTS_POLICY_LIBRARY_SCENE_H
#define TESTS_POLICY_LIBRARY_SCENE_H

#include "policy/library/nspolicy.h"
#include "tests/support/support.h"

/* A compiler into a fresh state directory, and what it has said. */
struct scene {
    char dir[256];
    struct nspolicy_compiler *compiler;
    WBEM_COMPILE_STATUS_INFO info;
    char said[4096]; /* "error 1 0x8004400C t.mof:1:2: text\n" ... */
    size_t diagnostics;
};

void scene_init(struct scene *s);
void scene_fini(struct scene *s);
/* Compiles text into the state as a buffer; its result. */
int32_t scene_compile(struct scene *s, const char *text);
/* A file in the state's parent; a static name. */
const char *scene_file(struct scene *s, const char *name, const char *text);
/* The policy as it is in the directory; fails the test without one. */
struct nspolicy_policy *scene_policy(const struct scene *s);

#define THREE_LINES(value)                                                    \
    "#pragma namespace(\"\\\\\\\\.\\\\Root\\\\MyNamespace\")\n"               \
    "[RequiresEncryption(" value ")]\n"                                       \
    "instance of __systemSecurity { };\n"
#define CLASS_TEXT                                                            \
    "#pragma namespace(\"root\\\\MyNamespace\")\n"                            \
    "class My_Class { [key] string Name; };\n"

#endif
