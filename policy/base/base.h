#ifndef POLICY_BASE_BASE_H
#define POLICY_BASE_BASE_H

/*
 * The ground everything stands on: text, memory, time, errors, and the two
 * notions that every layer shares, a namespace path and the CIM model.
 * Needs libc and nothing else.
 */
#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "policy/base/cim.h"
#include "policy/base/clock.h"
#include "policy/base/error.h"
#include "policy/base/namespace_path.h"
#include "policy/base/nearest.h"
#include "policy/base/sha256.h"
#include "policy/base/siphash.h"
#include "policy/base/span.h"
#include "policy/base/strmap.h"
#include "policy/base/utf8.h"
#include "policy/base/visible.h"

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
