#include "gateway/server/request.h"
