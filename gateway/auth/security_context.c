#include "gateway/auth/auth.h"
