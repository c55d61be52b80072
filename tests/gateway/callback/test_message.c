#include "gateway/callback/callback.h"
#include "tests/support/support.h"
