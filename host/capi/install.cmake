# SPDX-License-Identifier: Apache-2.0
# cmake --install, find_package(gramzip) and gramzip.pc.
include(CMakePackageConfigHelpers)
install(TARGETS gramzip EXPORT gramzip-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gramzip DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT gramzip-targets NAMESPACE gramzip:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gramzip)
configure_package_config_file(${PROJECT_SOURCE_DIR}/host/capi/gramzip-config.cmake.in
  ${PROJECT_BINARY_DIR}/gramzip-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gramzip)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gramzip-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gramzip-config.cmake ${PROJECT_BINARY_DIR}/gramzip-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gramzip)

# A static library's users link what it needs.
if(BUILD_SHARED_LIBS)
  set(GRAMZIP_PC_LIBS "")
else()
  set(GRAMZIP_PC_LIBS "-lstdc++ -ltbb -lpthread")
endif()
configure_file(${PROJECT_SOURCE_DIR}/host/capi/gramzip.pc.in ${PROJECT_BINARY_DIR}/gramzip.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gramzip.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
