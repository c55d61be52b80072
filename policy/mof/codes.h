#ifndef POLICY_MOF_CODES_H
#define POLICY_MOF_CODES_H

/*
 * Published result codes, one row each: name without prefix, prefix, value
 * (WMI SDK, "WMI Error Constants" and "MOF compiler error constants").
 *
 * Those that this front end answers with: each has a file in tests/mof/reject
 * that brings it and a row in docs/mof.md.
 */
#define MOF_CODES(ROW)                                                        \
    ROW(FAILED, "WBEM_E_", 0x80041001)                                        \
    ROW(NOT_FOUND, "WBEM_E_", 0x80041002)                                     \
    ROW(OUT_OF_MEMORY, "WBEM_E_", 0x80041006)                                 \
    ROW(INVALID_PARAMETER, "WBEM_E_", 0x80041008)                             \
    ROW(NOT_SUPPORTED, "WBEM_E_", 0x8004100C)                                 \
    ROW(INVALID_SUPERCLASS, "WBEM_E_", 0x8004100D)                            \
    ROW(INVALID_NAMESPACE, "WBEM_E_", 0x8004100E)                             \
    ROW(INVALID_CLASS, "WBEM_E_", 0x80041010)                                 \
    ROW(INVALID_OPERATION, "WBEM_E_", 0x80041016)                             \
    ROW(OVERRIDE_NOT_ALLOWED, "WBEM_E_", 0x8004101A)                          \
    ROW(CANNOT_BE_KEY, "WBEM_E_", 0x8004101F)                                 \
    ROW(ILLEGAL_NULL, "WBEM_E_", 0x80041028)                                  \
    ROW(CANNOT_BE_SINGLETON, "WBEM_E_", 0x8004102C)                           \
    ROW(INVALID_OBJECT_PATH, "WBEM_E_", 0x8004103A)                           \
    ROW(INVALID_QUALIFIER, "WBEM_E_", 0x80041042)                             \
    ROW(INVALID_DUPLICATE_PARAMETER, "WBEM_E_", 0x80041043)                   \
    ROW(CIRCULAR_REFERENCE, "WBEM_E_", 0x80041047)                            \
    ROW(UPDATE_TYPE_MISMATCH, "WBEM_E_", 0x80041052)                          \
    ROW(UPDATE_OVERRIDE_NOT_ALLOWED, "WBEM_E_", 0x80041053)                   \
    ROW(UPDATE_PROPAGATED_METHOD, "WBEM_E_", 0x80041054)                      \
    ROW(PROPERTY_NAME_TOO_WIDE, "WBEM_E_", 0x80041073)                        \
    ROW(CLASS_NAME_TOO_WIDE, "WBEM_E_", 0x80041074)                           \
    ROW(METHOD_NAME_TOO_WIDE, "WBEM_E_", 0x80041075)                          \
    ROW(QUALIFIER_NAME_TOO_WIDE, "WBEM_E_", 0x80041076)                       \
    ROW(NO_KEY, "WBEM_E_", 0x80041089)                                        \
    ROW(EXPECTED_QUALIFIER_NAME, "WBEMMOF_E_", 0x80044001)                    \
    ROW(EXPECTED_SEMI, "WBEMMOF_E_", 0x80044002)                              \
    ROW(EXPECTED_OPEN_BRACE, "WBEMMOF_E_", 0x80044003)                        \
    ROW(EXPECTED_CLOSE_BRACE, "WBEMMOF_E_", 0x80044004)                       \
    ROW(EXPECTED_CLOSE_BRACKET, "WBEMMOF_E_", 0x80044005)                     \
    ROW(EXPECTED_CLOSE_PAREN, "WBEMMOF_E_", 0x80044006)                       \
    ROW(ILLEGAL_CONSTANT_VALUE, "WBEMMOF_E_", 0x80044007)                     \
    ROW(EXPECTED_TYPE_IDENTIFIER, "WBEMMOF_E_", 0x80044008)                   \
    ROW(EXPECTED_OPEN_PAREN, "WBEMMOF_E_", 0x80044009)                        \
    ROW(UNRECOGNIZED_TOKEN, "WBEMMOF_E_", 0x8004400A)                         \
    ROW(UNRECOGNIZED_TYPE, "WBEMMOF_E_", 0x8004400B)                          \
    ROW(EXPECTED_PROPERTY_NAME, "WBEMMOF_E_", 0x8004400C)                     \
    ROW(TYPEDEF_NOT_SUPPORTED, "WBEMMOF_E_", 0x8004400D)                      \
    ROW(UNEXPECTED_ALIAS, "WBEMMOF_E_", 0x8004400E)                           \
    ROW(UNEXPECTED_ARRAY_INIT, "WBEMMOF_E_", 0x8004400F)                      \
    ROW(INVALID_AMENDMENT_SYNTAX, "WBEMMOF_E_", 0x80044010)                   \
    ROW(INVALID_DUPLICATE_AMENDMENT, "WBEMMOF_E_", 0x80044011)                \
    ROW(INVALID_PRAGMA, "WBEMMOF_E_", 0x80044012)                             \
    ROW(INVALID_NAMESPACE_SYNTAX, "WBEMMOF_E_", 0x80044013)                   \
    ROW(EXPECTED_CLASS_NAME, "WBEMMOF_E_", 0x80044014)                        \
    ROW(TYPE_MISMATCH, "WBEMMOF_E_", 0x80044015)                              \
    ROW(EXPECTED_ALIAS_NAME, "WBEMMOF_E_", 0x80044016)                        \
    ROW(INVALID_CLASS_DECLARATION, "WBEMMOF_E_", 0x80044017)                  \
    ROW(INVALID_INSTANCE_DECLARATION, "WBEMMOF_E_", 0x80044018)               \
    ROW(EXPECTED_DOLLAR, "WBEMMOF_E_", 0x80044019)                            \
    ROW(CIMTYPE_QUALIFIER, "WBEMMOF_E_", 0x8004401A)                          \
    ROW(DUPLICATE_PROPERTY, "WBEMMOF_E_", 0x8004401B)                         \
    ROW(INVALID_NAMESPACE_SPECIFICATION, "WBEMMOF_E_", 0x8004401C)            \
    ROW(OUT_OF_RANGE, "WBEMMOF_E_", 0x8004401D)                               \
    ROW(INVALID_FILE, "WBEMMOF_E_", 0x8004401E)                               \
    ROW(NULL_ARRAY_ELEM, "WBEMMOF_E_", 0x80044020)                            \
    ROW(DUPLICATE_QUALIFIER, "WBEMMOF_E_", 0x80044021)                        \
    ROW(EXPECTED_FLAVOR_TYPE, "WBEMMOF_E_", 0x80044022)                       \
    ROW(INCOMPATIBLE_FLAVOR_TYPES, "WBEMMOF_E_", 0x80044023)                  \
    ROW(MULTIPLE_ALIASES, "WBEMMOF_E_", 0x80044024)                           \
    ROW(INCOMPATIBLE_FLAVOR_TYPES2, "WBEMMOF_E_", 0x80044025)                 \
    ROW(NO_ARRAYS_RETURNED, "WBEMMOF_E_", 0x80044026)                         \
    ROW(INVALID_FLAGS_SYNTAX, "WBEMMOF_E_", 0x80044028)                       \
    ROW(UNSUPPORTED_CIMV22_DATA_TYPE, "WBEMMOF_E_", 0x8004402B)               \
    ROW(INVALID_DELETEINSTANCE_SYNTAX, "WBEMMOF_E_", 0x8004402C)              \
    ROW(INVALID_QUALIFIER_SYNTAX, "WBEMMOF_E_", 0x8004402D)                   \
    ROW(QUALIFIER_USED_OUTSIDE_SCOPE, "WBEMMOF_E_", 0x8004402E)               \
    ROW(ERROR_INVALID_INCLUDE_FILE, "WBEMMOF_E_", 0x80044030)                 \
    ROW(INVALID_DELETECLASS_SYNTAX, "WBEMMOF_E_", 0x80044031)

/* Those that whoever stores a unit answers with, known here by name. */
#define MOF_STORE_CODES(ROW)                                                  \
    ROW(ALREADY_EXISTS, "WBEM_E_", 0x80041019)                                \
    ROW(CLASS_HAS_CHILDREN, "WBEM_E_", 0x80041025)                            \
    ROW(CLASS_HAS_INSTANCES, "WBEM_E_", 0x80041026)

/* CODE_EXPECTED_SEMI and so on. */
enum {
#define CODE_ROW(name, prefix, value) CODE_##name = (int)(value),
    MOF_CODES(CODE_ROW) MOF_STORE_CODES(CODE_ROW)
#undef CODE_ROW
};

#endif
